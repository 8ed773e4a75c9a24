/* Prints docs/PROTOCOL.md from the engine's tables, so that the document cannot be wrong. */
#include "manual.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

static void escaped(const char *text)
{
    if (text == NULL) {
        printf("-");
        return;
    }
    printf("`");
    for (; *text != '\0'; text++) {
        if (*text == '\r')
            printf("\\r");
        else if (*text == '\n')
            printf("\\n");
        else if (*text == '|')
            printf("\\|");
        else
            putchar(*text);
    }
    printf("`");
}

static void print_dialects(void)
{
    printf("## Dialects\n\n| name | what |\n|---|---|\n");
    for (size_t i = 0; cipmux_dialect_name(i) != NULL; i++)
        printf("| `%s` | %s |\n", cipmux_dialect_name(i), cipmux_dialect_about(i));
}

static void print_commands(void)
{
    printf("\n## Commands\n\n`cipmux help commands` and `cipmux help AT+CIPSTART` print the same.\n\n```text\n");
    manual_print_list(stdout);
    printf("\n");
    manual_print_legend(stdout);
    printf("```\n");
    for (size_t i = 0; i < command_count; i++) {
        printf("\n### AT%s\n\n```text\n", commands[i].name);
        manual_print(stdout, i);
        printf("```\n");
    }
}

static void print_texts(void)
{
    printf("\n## Texts\n\n`%%d` a number, `%%x` `%%X` hex, `%%s` `%%b` text, `%%a` `%%i` an address, `%%m` a MAC, "
           "`%%n` the command's name."
           "\n\n| text | nonos | esp-at |\n|---|---|---|\n");
    for (size_t t = 0; t < TEXT_COUNT; t++) {
        printf("| %s | ", text_names[t]);
        escaped(texts[t][FAMILY_NONOS]);
        printf(" | ");
        if (texts[t][0] != NULL && texts[t][1] != NULL && strcmp(texts[t][0], texts[t][1]) == 0)
            printf("same");
        else
            escaped(texts[t][FAMILY_ESP_AT]);
        printf(" |\n");
    }
}

/* What a row has instead of the column. */
static void print_difference(const difference_t *d)
{
    char name[100];
    if (d->kind == DIFFERS_COMMAND && d->schema == NULL) return; /* its forms are on the command's page */
    difference_name(d, name, sizeof name);
    printf("| %s | ", name);
    if (d->kind == DIFFERS_TEXT)
        escaped(d->text);
    else if (d->kind == DIFFERS_COMMAND)
        printf("`%s`", d->schema);
    else
        printf("%d", (int)d->value);
    printf(" | %s |\n", d->says);
}

static void print_differences(void)
{
    printf(
        "\n## Where a dialect differs from its column\n\nBeside the forms of commands, above; everything else is the "
        "column's. `[002]` is a recording, `[libat 1.3]` the\npublished library of NonOS SDK 2.0.0, which is AT "
        "1.3.0.0: its command table and its strings.\n\n| what | value | source |\n|---|---|---|\n");
    for (size_t i = 0; i < difference_count; i++)
        print_difference(&differences[i]);
}

static void print_lists(void)
{
    printf("\n## Numbers\n\n| number | nonos | esp-at | meaning |\n|---|---|---|---|\n");
#define X(name, nonos, esp_at, meaning) printf("| %s | %d | %d | %s |\n", #name, nonos, esp_at, meaning);
    CIPMUX_NUMBERS(X)
#undef X
    printf("\n## Times\n\n`--timing=real` takes the dialect's column, `--timing=NAME=MS` sets one (NAME in lower "
           "case). Milliseconds.\n\n"
           "| time | nonos | esp-at | fast | meaning |\n|---|---|---|---|---|\n");
#define X(name, nonos, esp_at, fast, meaning)                                                                          \
    printf("| %s | %d | %d | %d | %s |\n", #name, nonos, esp_at, fast, meaning);
    CIPMUX_TIMES(X)
#undef X
    printf("\n## Quirks\n\nPolicies in which firmwares differ and guesses where nobody knows: `--quirk=ID=VALUE`.\n\n"
           "| id | nonos | esp-at | values | rows |\n|---|---|---|---|---|\n");
#define X(name, id, nonos, esp_at, max, rows, values)                                                                  \
    printf("| `%s` | %d | %d | %s | %s |\n", id, nonos, esp_at, values, rows);
    CIPMUX_QUIRKS(X)
#undef X
    printf("\n## Reasons\n\nWhat the log says when a command is refused; `cipmux help ID` prints the cure.\nAT+X is "
           "the command, N a number.\n\n"
           "| id | sentence | cure |\n|---|---|---|\n");
    for (cipmux_reason_t r = 0; r < CIPMUX_REASON_COUNT; r++) {
        char text[256];
        manual_sentence(cipmux_reason_sentence(r), "+X", text, sizeof text);
        printf("| `%s` | %s | %s |\n", cipmux_reason_id(r), text, cipmux_reason_cure(r));
    }
}

static void effects(const uint8_t list[EFFECT_MAX], const char *const names[])
{
    const char *separator = "";
    for (size_t i = 0; i < EFFECT_MAX; i++) {
        if (list[i] == 0) continue;
        printf("%s%s", separator, names[list[i]]);
        separator = ", ";
    }
}

static void print_links(family_t family)
{
    printf("\n### Link, %s\n\n```mermaid\nstateDiagram-v2\n", family_names[family]);
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++)
        for (unsigned e = 0; e < LINK_EVENT_COUNT; e++) {
            const link_cell_t *const cell = link_cell(family, (link_state_t)s, (link_event_t)e);
            if (!cell->legal || e == LINK_RESTART || e == LINK_RESET_PIN) continue;
            printf("    %s --> %s: %s", link_state_names[s], link_state_names[cell->next], link_event_names[e]);
            if (cell->effects[0] != 0) printf(" / ");
            effects(cell->effects, link_effect_names);
            printf("\n");
        }
    printf("```\n");
}

static void print_sender(family_t family)
{
    printf("\n### Sender, %s\n\n```mermaid\nstateDiagram-v2\n", family_names[family]);
    for (unsigned s = 0; s < SENDER_STATE_COUNT; s++)
        for (unsigned e = 0; e < SEND_EVENT_COUNT; e++) {
            const sender_cell_t *const cell = sender_cell(family, (sender_state_t)s, (sender_event_t)e);
            if (!cell->legal || e == SEND_RESTART) continue;
            printf("    %s --> %s: %s", sender_state_names[s], sender_state_names[cell->next], sender_event_names[e]);
            if (cell->effects[0] != 0) printf(" / ");
            effects(cell->effects, sender_effect_names);
            printf("\n");
        }
    printf("```\n");
}

static void print_tables(void)
{
    printf("\n## State tables\n\nThe words behind / are in wire order. Restart and reset pin lead back to the start "
           "from every state and are"
           " not drawn.\nAn event without an arrow cannot happen: it is refused and changes nothing.\n");
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        print_links((family_t)f);
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        print_sender((family_t)f);
    printf("\n### Command slot\n\nWhat an open command answers when what it waits for comes.\n\n| waits for |");
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        printf(" %s |", outcome_names[o]);
    printf("\n|---|---|---|---|\n");
    for (unsigned w = 1; w < WAIT_COUNT; w++) {
        printf("| %s |", wait_names[w]);
        for (unsigned o = 0; o < OUTCOME_COUNT; o++)
            printf(" %s |", slot_cells[w][o].legal ? verdict_names[slot_cells[w][o].verdict] : "cannot happen");
        printf("\n");
    }
    printf("\n### Receiver\n\n| family | mode |");
    for (unsigned e = 0; e < RECEIVE_EVENT_COUNT; e++)
        printf(" %s |", receive_event_names[e]);
    printf("\n|---|---|---|---|---|\n");
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        for (unsigned r = 0; r < RECEIVER_COUNT; r++) {
            printf("| %s | %s |", family_names[f], receiver_names[r]);
            for (unsigned e = 0; e < RECEIVE_EVENT_COUNT; e++)
                printf(" %s |", receive_effect_names[receive_cells[f][r][e]]);
            printf("\n");
        }
}

int main(void)
{
    printf("# The protocol, as the engine's tables have it\n\nPrinted by `make docs`; do not edit. What a command "
           "takes and answers "
           "is under its name; how all is\nused: docs/TRANSCRIPTS.md and the transcripts themselves.\n\n");
    print_dialects();
    print_commands();
    print_differences();
    print_texts();
    print_lists();
    print_tables();
    return 0;
}
