/* Visits every cell of the link, sender, slot and receiver tables, and every row of the command table. */
#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static size_t count(const uint8_t effects[EFFECT_MAX], uint8_t wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < EFFECT_MAX; i++)
        n += effects[i] == wanted;
    return n;
}

static bool connected(unsigned state)
{
    return state >= LINK_OPEN && state <= LINK_HELD;
}
static bool dialling(unsigned state)
{
    return state == LINK_RESOLVING || state == LINK_DIALING;
}
static bool silent(family_t family, unsigned event)
{
    return event == LINK_RESET_PIN || (event == LINK_RESTART && family == FAMILY_ESP_AT);
}

/* The states that a family can get into at all, from FREE. */
static void reachable(family_t family, bool reached[LINK_STATE_COUNT])
{
    memset(reached, 0, LINK_STATE_COUNT);
    reached[LINK_FREE] = true;
    for (bool grew = true; grew;) {
        grew = false;
        for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
            for (unsigned e = 0; e < LINK_EVENT_COUNT && reached[s]; e++) {
                const link_cell_t *const cell = link_cell(family, (link_state_t)s, (link_event_t)e);
                if (!cell->legal || reached[cell->next]) continue;
                reached[cell->next] = grew = true;
            }
    }
}

typedef void link_check_t(family_t family, unsigned state, unsigned event, const link_cell_t *cell);

static void each_link_cell(link_check_t *check)
{
    for (unsigned f = 0; f < FAMILY_COUNT; f++) {
        bool reached[LINK_STATE_COUNT];
        reachable((family_t)f, reached);
        for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
            for (unsigned e = 0; e < LINK_EVENT_COUNT && reached[s]; e++)
                check((family_t)f, s, e, link_cell((family_t)f, (link_state_t)s, (link_event_t)e));
    }
}

static void is_well_formed(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    (void)family;
    (void)state;
    (void)event;
    assert_true(cell->next < LINK_STATE_COUNT);
    for (size_t i = 0; i < EFFECT_MAX; i++) {
        assert_true(cell->effects[i] < EFFECT_COUNT);
        if (!cell->legal) assert_int_equal(cell->effects[i], DO_NOTHING);
    }
}

static void connect_only_enters_open(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    (void)family;
    (void)event;
    const bool enters = !connected(state) && connected(cell->next);
    if (!cell->legal) return;
    assert_int_equal(count(cell->effects, SAY_CONNECT), enters);
    if (enters) assert_int_equal(cell->next, LINK_OPEN);
}

static void one_closed_per_connect(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    const size_t ends = count(cell->effects, SAY_CLOSED) + count(cell->effects, SAY_CONNECT_FAIL);
    if (!cell->legal) return;
    if (connected(state) && connected(cell->next))
        assert_int_equal(ends, 0);
    else if (connected(state))
        assert_int_equal(ends, silent(family, event) ? 0 : 1);
    else if (state != LINK_DIALING)
        assert_int_equal(ends, 0);
    else
        assert_true(ends <= 1);
}

static void a_dial_is_answered_once(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    const size_t answers = count(cell->effects, COMMAND_DONE) + count(cell->effects, COMMAND_FAILED);
    const bool   unasked = event == LINK_RESTART || event == LINK_RESET_PIN || event == LINK_CLOSE;
    (void)family;
    if (!cell->legal) return;
    if (state == LINK_RESOLVING && event == LINK_CLOSE)
        return; /* ends the wait of a saved passthrough, not a command */
    assert_int_equal(answers, dialling(state) && !dialling(cell->next) && !unasked ? 1 : 0);
    if (count(cell->effects, COMMAND_DONE) == 1) assert_int_equal(cell->next, LINK_OPEN);
}

static void a_socket_is_hung_up_once(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    const bool had = connected(state);
    const bool has = connected(cell->next);
    const bool failed = event == LINK_REFUSED || event == LINK_FAILED; /* the network ended it already */
    (void)family;
    if (!cell->legal) return;
    assert_int_equal(count(cell->effects, ASK_HANG_UP),
                     (had && !has) || (state == LINK_DIALING && !has && !failed) ? 1 : 0);
}

static void memory_goes_back_once(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    const bool had = connected(state) || state == LINK_KEPT;
    const bool has = connected(cell->next) || cell->next == LINK_KEPT;
    (void)family;
    (void)event;
    if (cell->legal) assert_int_equal(count(cell->effects, ASK_RETURN), had && !has ? 1 : 0);
}

static void a_send_is_told(family_t family, unsigned state, unsigned event, const link_cell_t *cell)
{
    (void)family;
    if (!cell->legal || !connected(state) || state == LINK_HELD || event == LINK_RESTART || event == LINK_RESET_PIN)
        return;
    const bool sendable =
        cell->next == LINK_OPEN || cell->next == LINK_DRAINING || cell->next == LINK_DYING || cell->next == LINK_ENDING;
    assert_int_equal(count(cell->effects, FAIL_SEND), sendable ? 0 : 1);
}

static void test_every_state_is_reached(void **state)
{
    bool nonos[LINK_STATE_COUNT], esp_at[LINK_STATE_COUNT];
    (void)state;
    reachable(FAMILY_NONOS, nonos);
    reachable(FAMILY_ESP_AT, esp_at);
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
        assert_true(nonos[s] || esp_at[s]);
}

static void test_link_cells(void **state)
{
    (void)state;
    each_link_cell(is_well_formed);
    each_link_cell(connect_only_enters_open);
    each_link_cell(one_closed_per_connect);
    each_link_cell(a_dial_is_answered_once);
    each_link_cell(a_socket_is_hung_up_once);
    each_link_cell(memory_goes_back_once);
    each_link_cell(a_send_is_told);
}

/* A refused event changes nothing but its counter. */
static void test_refused_events(void **state)
{
    static const char *const names[] = { "nonos-1.7.6", "esp-at-2.3" };
    (void)state;
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
            for (unsigned e = 0; e < LINK_EVENT_COUNT; e++) {
                if (link_cell((family_t)f, (link_state_t)s, (link_event_t)e)->legal) continue;
                cipmux_config_t config;
                static cipmux_t modem, before;
                modem_t *const  m = (modem_t *)&modem;
                assert_true(cipmux_config(&config, names[f]));
                cipmux_power_on(&modem, &config, 0);
                m->link[2].state = (uint8_t)s;
                memcpy(&before, &modem, sizeof before);
                assert_false(link_step(m, 2, (link_event_t)e));
                assert_int_equal(m->counters.refused_events, 1);
                m->counters.refused_events = 0;
                assert_memory_equal(&before, &modem, sizeof before);
            }
}

static bool has_result(const sender_cell_t *cell)
{
    return count(cell->effects, SAY_SEND_OK) + count(cell->effects, SAY_SEND_FAIL) +
               count(cell->effects, SAY_CANCELED) ==
           1;
}

/* Each CIPSEND that got its prompt ends in exactly one of SEND OK, SEND FAIL and SEND Canceled [tcpip 4.6]. */
static void test_sender_cells(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        for (unsigned s = 0; s < SENDER_STATE_COUNT; s++)
            for (unsigned e = 0; e < SEND_EVENT_COUNT; e++) {
                const sender_cell_t *const cell = sender_cell((family_t)f, (sender_state_t)s, (sender_event_t)e);
                const bool                 sends = s >= SENDER_COLLECTING && s <= SENDER_WAITING;
                assert_true(cell->next < SENDER_STATE_COUNT);
                for (size_t i = 0; i < EFFECT_MAX; i++)
                    assert_true(cell->effects[i] < SENDER_EFFECT_COUNT);
                if (!cell->legal) continue;
                const bool elsewhere = e == SEND_QUIET_BUFFERED || e == SEND_IN_RAM || e == SEND_QUIET_FLASH ||
                                       e == SEND_QUIET_UPDATE; /* no AT+CIPSEND */
                if (e == SEND_ACKED_LATE) continue;            /* a second result: the quirk late-send-ok */
                assert_int_equal(has_result(cell),
                                 sends && cell->next == SENDER_IDLE && e != SEND_RESTART && !elsewhere);
                assert_int_equal(count(cell->effects, SAY_PROMPT),
                                 s <= SENDER_RESOLVING && cell->next == SENDER_COLLECTING);
            }
}

static void test_slot_cells(void **state)
{
    (void)state;
    for (unsigned w = 0; w < WAIT_COUNT; w++)
        for (unsigned o = 0; o < OUTCOME_COUNT; o++) {
            const slot_cell_t cell = slot_cells[w][o];
            assert_true(cell.verdict <= VERDICT_DONE);
            if (w == WAIT_NONE) assert_int_equal(cell.legal, 0);
            const bool keeps = w == WAIT_STORE && o == OUTCOME_DONE; /* the verdict that the command had */
            if (cell.legal) assert_int_equal(cell.verdict == VERDICT_LATER, keeps);
            if (w > WAIT_TURN && w != WAIT_HOST && o == OUTCOME_DONE) assert_int_equal(cell.legal, 1);
            if (w != WAIT_NONE && o == OUTCOME_RESTART) assert_int_equal(cell.verdict, VERDICT_DONE);
        }
}

static void test_receiver_cells(void **state)
{
    (void)state;
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        for (unsigned r = 0; r < RECEIVER_COUNT; r++)
            for (unsigned e = 0; e < RECEIVE_EVENT_COUNT; e++) {
                const uint8_t effect = receive_cells[f][r][e];
                assert_true(effect < RECEIVE_EFFECT_COUNT);
                if (e == RECEIVE_ARRIVED) assert_int_not_equal(effect, RECEIVE_NOTHING);
                if (r != RECEIVER_PASSIVE && e == RECEIVE_ENDED) assert_int_equal(effect, RECEIVE_FRAME);
            }
}

static void test_command_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const command_t *const c = &commands[i];
        const unsigned         all = (c->forms | c->forms >> 4) & 15u;
        assert_true(strlen(c->name) < NOTE_TEXT);
        assert_int_equal((all & FORM_QUERY) != 0, c->query != NULL);
        assert_int_equal((all & FORM_SET) != 0, c->set != NULL);
        assert_int_equal((all & FORM_RUN) != 0, c->run != NULL);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(c->name, commands[j].name);
        for (unsigned f = 0; f < FAMILY_COUNT; f++)
            if (c->schema[f] != NULL)
                assert_int_equal(strspn(c->schema[f], "LAiswxIS?:-* 0123456789"), strlen(c->schema[f]));
    }
}

/* Is it a command of that chapter of the reference; ""; of any? Ids are "chapter.NAME.form.outcome". */
static bool in_matrix(const char *chapter, const char *name)
{
    static char matrix[1 << 20];
    char        id[40], path[1024];
    if (matrix[0] == '\0') {
        snprintf(path, sizeof path, "%s/tests/transcripts/matrix.tsv", SOURCE_DIR);
        FILE *const file = fopen(path, "r");
        assert_non_null(file);
        const size_t n = fread(matrix, 1, sizeof matrix - 1, file);
        assert_true(n < sizeof matrix - 1 && n > 0);
        fclose(file);
    }
    snprintf(id, sizeof id, "%s.%s.", chapter, name[0] == '+' ? name + 1 : name[0] == '\0' ? "AT" : name);
    return strstr(matrix, id) != NULL;
}

/* A row names something that is there, once, and says something else than its column. */
static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < difference_count; i++) {
        const difference_t *const d = &differences[i];
        char                      name[100], other[100];
        const family_t            family = dialects[d->dialect].family;
        difference_name(d, name, sizeof name);
        for (size_t j = 0; j < i; j++) {
            difference_name(&differences[j], other, sizeof other);
            assert_string_not_equal(name, other);
        }
        assert_true(strlen(d->says) > 0);
        if (d->kind == DIFFERS_TEXT) assert_string_not_equal(d->text, texts[d->index][family]);
        if (d->kind == DIFFERS_NUMBER) assert_int_not_equal(d->value, numbers[d->index][family]);
        if (d->kind == DIFFERS_COMMAND) assert_true(in_matrix("", d->text));
        for (size_t c = 0; d->kind == DIFFERS_COMMAND && c < command_count; c++) {
            if (strcmp(commands[c].name, d->text) != 0) continue;
            const unsigned forms = family == FAMILY_NONOS ? commands[c].forms & 15u : commands[c].forms >> 4;
            assert_int_equal((unsigned)d->value & ~forms, 0);
            assert_true((unsigned)d->value != forms || d->schema != NULL);
        }
    }
}

/* The numbers of names that the firmwares have [conventions 1.12]; nonos has one name for E0 and E1. */
static void test_command_counts(void **state)
{
    size_t basic[FAMILY_COUNT] = { 0 }, tcp[FAMILY_COUNT] = { 0 };
    (void)state;
    for (size_t i = 0; i < command_count; i++)
        for (unsigned f = 0; f < FAMILY_COUNT; f++) {
            const command_t *const c = &commands[i];
            if ((f == FAMILY_NONOS ? c->forms & 15u : c->forms >> 4) == 0) continue;
            const bool is_basic = in_matrix("\nbasic", c->name);
            basic[f] += is_basic;
            tcp[f] += !is_basic && in_matrix("\ntcp", c->name);
        }
    assert_int_equal(basic[FAMILY_NONOS], 25 + 1);
    assert_int_equal(tcp[FAMILY_NONOS], 32);
    assert_int_equal(basic[FAMILY_ESP_AT], 23 + 4); /* the user commands too */
    assert_int_equal(tcp[FAMILY_ESP_AT], 34);
    assert_int_equal(numbers[NUMBER_HEAP][FAMILY_ESP_AT], CIPMUX_HEAP_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_is_reached),
        cmocka_unit_test(test_link_cells),
        cmocka_unit_test(test_refused_events),
        cmocka_unit_test(test_sender_cells),
        cmocka_unit_test(test_slot_cells),
        cmocka_unit_test(test_receiver_cells),
        cmocka_unit_test(test_command_rows),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_command_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
