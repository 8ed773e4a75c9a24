/* The sleeping host of esp-at: what no command asked for waits until the host was woken, by a pin or a byte.
 * Facts: [basic 2.25]. */
#include "internal.h"

enum { BY_PIN = 1, BY_BYTE = 2 };
enum { CHECK_COMMAND = 1, CHECK_SLEEP = 2, CHECK_TIME = 4 }; /* what tells that the host is awake */

/* ---- the signal ---- */

static void drive(modem_t *m, bool on)
{
    const wake_t *const w = &m->wake;
    if (w->mode == BY_PIN) io_drive(m, w->number, (w->signal == 1) == on);
}

static void signal_ends(modem_t *m, wake_state_t next)
{
    if (m->wake.state == WAKE_SIGNALLED) drive(m, false);
    m->wake.state = (uint8_t)next;
}

static void signal_begins(modem_t *m)
{
    wake_t *const w = &m->wake;
    drive(m, true);
    if (w->mode == BY_BYTE) say_byte(m, (char)w->signal);
    w->state = WAKE_SIGNALLED;
    w->due = m->now + w->delay_ms * 1000ull;
}

static void mark(modem_t *m, bool asleep)
{
    signal_ends(m, WAKE_QUIET);
    m->wake.asleep = asleep;
}

/* ---- who asks ---- */

/* Something unsolicited is to be written. True: now. False: the host sleeps; the signal was given, ask again at the
 * deadline. Each such writing has a signal of its own. */
bool wake_host(modem_t *m)
{
    wake_t *const w = &m->wake;
    wake_tick(m);
    if (!w->asleep) return true;
    if (w->state == WAKE_QUIET) signal_begins(m);
    if (w->state == WAKE_SIGNALLED) return false;
    w->state = WAKE_QUIET;
    return true;
}

/* What a command waits for is its answer, and is not held back. */
bool wake_holds(modem_t *m, const cipmux_event_t *event)
{
    const bool answers = m->slot.wait == WAIT_JOIN;
    switch ((unsigned)event->kind) {
    case CIPMUX_EVENT_JOINED:
    case CIPMUX_EVENT_LEASE:
    case CIPMUX_EVENT_LOST: return !answers && !wake_host(m);
    case CIPMUX_EVENT_UPDATE: return m->update.in_background && !wake_host(m);
    case CIPMUX_EVENT_ACCEPT:
    case CIPMUX_EVENT_ENDED:
    case CIPMUX_EVENT_ADVERTISED:
    case CIPMUX_EVENT_SMART_TYPE:
    case CIPMUX_EVENT_SMART_CREDENTIALS:
    case CIPMUX_EVENT_STATION_JOINED:
    case CIPMUX_EVENT_STATION_LEASED:
    case CIPMUX_EVENT_STATION_LEFT: return !wake_host(m);
    default: return false;
    }
}

/* When something unsolicited that is due at `due` can be tried: not while the host is being woken. */
uint64_t wake_defers(const modem_t *m, uint64_t due)
{
    return m->wake.state == WAKE_SIGNALLED ? CIPMUX_NEVER : due;
}

uint64_t wake_deadline(const modem_t *m)
{
    return m->wake.state == WAKE_SIGNALLED ? m->wake.due : CIPMUX_NEVER;
}

void wake_tick(modem_t *m)
{
    if (m->now < wake_deadline(m)) return;
    signal_ends(m, WAKE_OVER);
    if ((m->wake.check & CHECK_TIME) != 0) mark(m, false);
}

/* ---- the commands ---- */

/* Whether a pin, or the UART, and its signal are there. */
static verdict_t check(modem_t *m, const args_t *args)
{
    const int32_t mode = args->at[1].number, number = args->at[2].number, signal = args->at[3].number;
    if (args->count < 5) return refuse_count(m, 5, args->count);
    if (mode == BY_PIN ? !io_is_valid(number) : number != 0) return refuse_argument(m, FAULT_VALUE, 2, TEXT_NONE);
    if (mode == BY_PIN && signal > 1) return refuse_argument(m, FAULT_VALUE, 3, TEXT_NONE);
    return VERDICT_OK;
}

verdict_t set_userwkmcucfg(modem_t *m, args_t *args)
{
    wake_t *const w = &m->wake;
    const bool    on = args->at[0].number == 1;
    if (!on && args->count > 1) return refuse_count(m, 1, args->count);
    if (w->asleep) return refuse(m, CIPMUX_REASON_HOST_ASLEEP, TEXT_NONE);
    if (on && w->mode != 0) return refuse(m, CIPMUX_REASON_WAKE_ON, TEXT_NONE);
    if (!on) {
        if (w->mode == BY_PIN) io_release(m, w->number);
        *w = (wake_t){ 0 };
        return VERDICT_OK;
    }
    const verdict_t verdict = check(m, args);
    if (verdict != VERDICT_OK) return verdict;
    *w = (wake_t){
        .mode = (uint8_t)args->at[1].number,
        .number = (uint8_t)args->at[2].number,
        .signal = (uint8_t)args->at[3].number,
        .delay_ms = (uint16_t)args->at[4].number,
        .check = args->count > 5 ? (uint8_t)args->at[5].number : CHECK_COMMAND,
    };
    drive(m, false);
    return VERDICT_OK;
}

/* Answered first, then obeyed. */
verdict_t set_usermcusleep(modem_t *m, args_t *args)
{
    if (m->wake.mode == 0) return refuse(m, CIPMUX_REASON_WAKE_OFF, TEXT_NONE);
    if ((m->wake.check & CHECK_COMMAND) != 0)
        m->slot.after = args->at[0].number == 1 ? AFTER_HOST_SLEEPS : AFTER_HOST_WAKES;
    return VERDICT_OK;
}

void wake_told(modem_t *m, bool asleep)
{
    mark(m, asleep);
}

/* AT+SLEEP tells it too: asleep in any case, awake if that is checked. */
void wake_sleep_mode(modem_t *m, int32_t mode)
{
    if (m->wake.mode != 0 && (mode != 0 || (m->wake.check & CHECK_SLEEP) != 0)) mark(m, mode != 0);
}
