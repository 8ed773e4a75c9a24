/* Bytes of the UART -> command lines, echo, and what lines meet while a command is open. Two readers: nonos finds AT with a
 * sliding window and runs at LF, esp-at collects strictly up to CR LF. Facts: [conventions 1.3, 1.4, 1.7, 1.13]. */
#include "internal.h"

enum { MATCH_LOST = 255, CR_PATIENCE_US = 500000, CHUNK_BYTES = 100 /* [conventions 1.2] */ };

void line_reset(modem_t *m)
{
    line_t *const l = &m->line;
    l->length = l->echoed = 0;
    l->before = 0;
    l->match = l->chunk = 0;
    l->inside = l->overlong = l->busy_chunk = l->cr_noted = false;
}

static void echo(modem_t *m, uint8_t byte)
{
    if (!m->echo) return;
    if (text_of(m, TEXT_ECHO_END) == NULL)
        say_byte(m, (char)byte);
    else if (byte == '\n')
        say(m, TEXT_ECHO_END);
    else
        say_byte(m, (char)byte);
}

/* esp-at echoes a burst in one piece: what of the line was not echoed yet. */
static void echo_rest(modem_t *m)
{
    line_t *const l = &m->line;
    while (l->echoed < l->length)
        echo(m, (uint8_t)l->text[l->echoed++]);
}

/* ---- while a command is open or payload is on its way ---- */

static void busy_answer(modem_t *m)
{
    m->counters.busy_lines++;
    note(m, sender_is_busy(m) ? CIPMUX_REASON_BUSY_SEND : CIPMUX_REASON_BUSY_COMMAND, -1, 0);
    if (m->syslog) say(m, TEXT_ERR_CODE, 0x010b0000u);
    say(m, sender_is_busy(m) ? TEXT_BUSY_SEND : TEXT_BUSY_COMMAND);
}

/* AT+RST is obeyed even now. True: this byte completed it. */
static bool match_restart(line_t *l, uint8_t byte)
{
    static const char restart[] = "AT+RST\r\n";
    if (byte == '\n' && l->match != sizeof restart - 2) {
        l->match = 0;
        return false;
    }
    if (l->match != MATCH_LOST) l->match = byte == (uint8_t)restart[l->match] ? (uint8_t)(l->match + 1) : MATCH_LOST;
    return l->match == sizeof restart - 1;
}

/* nonos answers each line; esp-at each burst, at its first byte, and a burst is one of its input chunks. */
static void busy_byte(modem_t *m, uint8_t byte, bool new_burst)
{
    line_t *const l = &m->line;
    if (quirk(m, CIPMUX_QUIRK_ECHO_BUSY)) echo(m, byte);
    if (sender_is_busy(m)) m->counters.surplus_bytes++;
    if (match_restart(l, byte)) {
        modem_forced_restart(m);
        return;
    }
    if (!quirk(m, CIPMUX_QUIRK_BUSY_PER_BURST)) {
        if (byte == '\n') busy_answer(m);
        return;
    }
    /* AT+RST must not be answered "busy" before it is known: the answer waits for the first byte that differs. */
    if (l->match != MATCH_LOST && l->match != 0) return;
    if (new_burst || !l->busy_chunk) busy_answer(m);
    l->busy_chunk = true;
}

/* ---- lines ---- */

static void run_line(modem_t *m, bool well_formed)
{
    line_t *const  l = &m->line;
    const uint16_t length = l->length;
    const bool     good = well_formed && !l->overlong;
    const bool     over = l->overlong;
    line_reset(m);
    if (sender_is_busy(m) && !quirk(m, CIPMUX_QUIRK_BUSY_PER_BURST)) {
        if (good && same_text(l->text, length, "+RST"))
            modem_forced_restart(m);
        else
            busy_answer(m);
    } else if (good)
        command_line(m, l->text, length);
    else
        command_malformed(m, over);
}

static void keep(line_t *l, uint8_t byte, size_t max)
{
    if (l->length < max)
        l->text[l->length++] = (char)byte;
    else
        l->overlong = true;
}

static bool window_matches(const modem_t *m, uint8_t before, uint8_t byte)
{
    if ((before == 'A' && byte == 'T') || (before == 'a' && byte == 't')) return true;
    return quirk(m, CIPMUX_QUIRK_MIXED_PREFIX) && (before | 0x20) == 'a' && (byte | 0x20) == 't';
}

/* nonos: what stands before AT is dropped; the command runs when LF arrives. */
static void sliding_byte(modem_t *m, uint8_t byte)
{
    line_t *const l = &m->line;
    const uint8_t before = l->before;
    l->before = byte;
    if (byte == '\n') {
        const bool whole = l->inside && l->length > 0 && before == '\r';
        if (whole)
            l->length--;
        else
            l->inside = false;
        run_line(m, whole);
        return;
    }
    if (l->inside)
        keep(l, byte, CIPMUX_LINE_MAX - 3); /* AT and LF count too */
    else if (window_matches(m, before, byte))
        l->inside = true;
}

/* esp-at: everything up to CR LF is the line, and it must begin with AT in any case. */
static void strict_byte(modem_t *m, uint8_t byte)
{
    line_t *const l = &m->line;
    const uint8_t before = l->before;
    l->before = byte;
    if (byte != '\n' || before != '\r') {
        keep(l, byte, CIPMUX_LINE_MAX - 1);
        if (l->overlong) {
            echo_rest(m);
            echo(m, byte);
        }
        return;
    }
    echo_rest(m);
    echo(m, byte);
    l->length--;
    const bool at = l->length >= 2 && window_matches(m, (uint8_t)l->text[0], (uint8_t)l->text[1]);
    if (at) {
        l->length = (uint16_t)(l->length - 2);
        for (size_t i = 0; i < l->length; i++)
            l->text[i] = l->text[i + 2];
    }
    run_line(m, at);
}

void line_byte(modem_t *m, uint8_t byte)
{
    line_t *const l = &m->line;
    const bool    silence = m->now - l->last >= m->burst_us;
    l->last = m->now;
    if (silence) {
        l->busy_chunk = false;
        l->chunk = 0;
    }
    const bool full = l->chunk == CHUNK_BYTES && quirk(m, CIPMUX_QUIRK_BUSY_PER_BURST) == 2;
    const bool new_burst = silence || full;
    l->chunk = full ? 1 : (uint8_t)(l->chunk + 1);
    const bool sending_deaf = sender_is_busy(m) && quirk(m, CIPMUX_QUIRK_BUSY_PER_BURST);
    if (m->slot.wait != WAIT_NONE || l->busy_chunk || sending_deaf) {
        busy_byte(m, byte, new_burst);
        return;
    }
    l->match = 0;
    if (sender_is_busy(m)) m->counters.surplus_bytes++;
    if (!quirk(m, CIPMUX_QUIRK_STRICT_LINE)) echo(m, byte);
    if (l->before == '\r' && byte != '\n') note(m, CIPMUX_REASON_LINE_END, -1, '\r');
    if (l->before != '\r' && byte == '\n') note(m, CIPMUX_REASON_LINE_END, -1, '\n');
    l->cr_noted = false;
    if (quirk(m, CIPMUX_QUIRK_STRICT_LINE))
        strict_byte(m, byte);
    else
        sliding_byte(m, byte);
}

/* Somebody sent CR and now waits for an answer, as most terminals do until they are told to send CR LF. */
static bool cr_waits(const modem_t *m)
{
    return m->line.before == '\r' && !m->line.cr_noted && !modem_is_busy(m);
}

static bool echo_waits(const modem_t *m)
{
    return m->echo && quirk(m, CIPMUX_QUIRK_STRICT_LINE) && m->line.echoed < m->line.length &&
           m->slot.wait == WAIT_NONE;
}

uint64_t line_deadline(const modem_t *m)
{
    if (echo_waits(m)) return m->line.last + m->burst_us;
    return cr_waits(m) ? m->line.last + CR_PATIENCE_US : CIPMUX_NEVER;
}

void line_tick(modem_t *m)
{
    if (m->now < line_deadline(m)) return;
    if (echo_waits(m)) {
        echo_rest(m);
        return;
    }
    m->line.cr_noted = true;
    note(m, CIPMUX_REASON_LINE_END, -1, '\r');
}
