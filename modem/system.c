/* The basic and system commands: chapter 2 of the reference. */
#include "internal.h"

verdict_t run_at(modem_t *m)
{
    (void)m;
    return VERDICT_OK;
}

verdict_t run_echo_off(modem_t *m)
{
    m->echo = false;
    return VERDICT_OK;
}

verdict_t run_echo_on(modem_t *m)
{
    m->echo = true;
    return VERDICT_OK;
}

verdict_t run_rst(modem_t *m)
{
    m->slot.after = AFTER_RESTART;
    return VERDICT_OK;
}

verdict_t run_restore(modem_t *m)
{
    m->slot.after = AFTER_ERASE;
    return VERDICT_OK;
}

verdict_t run_gmr(modem_t *m)
{
    say(m, TEXT_GMR);
    return VERDICT_OK;
}

/* ---- AT+SYSMSG, _CUR, _DEF [2.15] ---- */

verdict_t query_sysmsg(modem_t *m)
{
    say(m, TEXT_SYSMSG, m->slot.command->variant == VARIANT_DEF ? m->saved.sysmsg : m->sysmsg);
    return VERDICT_OK;
}

verdict_t set_sysmsg(modem_t *m, args_t *args)
{
    m->sysmsg = (uint8_t)args->at[0].number;
    if (settings_wanted(m)) m->saved.sysmsg = m->sysmsg;
    return VERDICT_OK;
}

/* ---- AT+SYSSTORE, AT+SYSLOG [2.16, 2.17] ---- */

verdict_t query_sysstore(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->sysstore);
    return VERDICT_OK;
}

verdict_t set_sysstore(modem_t *m, args_t *args)
{
    m->sysstore = args->at[0].number == 1;
    return VERDICT_OK;
}

verdict_t query_syslog(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->syslog);
    return VERDICT_OK;
}

verdict_t set_syslog(modem_t *m, args_t *args)
{
    m->syslog = args->at[0].number == 1;
    return VERDICT_OK;
}

/* ---- AT+UART, _CUR, _DEF, AT+IPR [2.8, 2.9] ---- */

verdict_t query_uart(modem_t *m)
{
    const cipmux_line_t *const u = m->slot.command->variant == VARIANT_DEF ? &m->saved.uart : &m->uart;
    say(m, TEXT_UART, (int)u->baud, u->data_bits, u->stop_bits, u->parity, u->flow);
    return VERDICT_OK;
}

/* OK at the old rate, then the switch. */
verdict_t set_uart(modem_t *m, args_t *args)
{
    m->uart = (cipmux_line_t){
        .baud = (uint32_t)args->at[0].number,
        .data_bits = (uint8_t)args->at[1].number,
        .stop_bits = (uint8_t)args->at[2].number,
        .parity = (uint8_t)args->at[3].number,
        .flow = (uint8_t)args->at[4].number,
    };
    if (m->slot.command->variant != VARIANT_CUR) m->saved.uart = m->uart;
    m->slot.after = AFTER_LINE;
    return VERDICT_OK;
}

/* The undocumented one switches first and answers at the new rate. */
verdict_t set_ipr(modem_t *m, args_t *args)
{
    m->uart.baud = (uint32_t)args->at[0].number;
    m->saved.uart.baud = m->uart.baud;
    if (!quirk(m, CIPMUX_QUIRK_IPR_FIRST)) {
        m->slot.after = AFTER_LINE;
        return VERDICT_OK;
    }
    m->asks |= ASK_LINE;
    return slot_wait(m, WAIT_LINE);
}
