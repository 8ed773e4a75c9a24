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
    const char *const own = m->config->gmr;
    size_t            n = 0;
    while (own != NULL && n < CIPMUX_GMR_MAX && own[n] != '\0')
        n++;
    if (own != NULL)
        say(m, TEXT_GMR_OWN, own, (int)n);
    else
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
    m->slot.uart = (cipmux_line_t){
        .baud = (uint32_t)args->at[0].number,
        .data_bits = (uint8_t)args->at[1].number,
        .stop_bits = (uint8_t)args->at[2].number,
        .parity = (uint8_t)args->at[3].number,
        .flow = (uint8_t)args->at[4].number,
    };
    if (m->slot.command->variant != VARIANT_CUR) m->saved.uart = m->slot.uart;
    m->slot.after = AFTER_LINE;
    return VERDICT_OK;
}

/* The undocumented one switches first and answers at the new rate. */
verdict_t set_ipr(modem_t *m, args_t *args)
{
    m->slot.uart = m->uart;
    m->slot.uart.baud = (uint32_t)args->at[0].number;
    m->saved.uart.baud = m->slot.uart.baud;
    if (!quirk(m, CIPMUX_QUIRK_IPR_FIRST)) {
        m->slot.after = AFTER_LINE;
        return VERDICT_OK;
    }
    m->uart = m->slot.uart;
    m->asks |= ASK_LINE;
    return slot_wait(m, WAIT_LINE);
}

/* ---- AT+SYSTIMESTAMP [2.18] ---- */

/* The clock begins at 0 with each start; who knows the time sets it. */
void clock_set(modem_t *m, uint32_t unix_s)
{
    m->utc = (utc_t){ .offset_us = (int64_t)unix_s * 1000000 - (int64_t)m->now };
}

verdict_t query_systimestamp(modem_t *m)
{
    say(m, TEXT_TIMESTAMP, (int)(((int64_t)m->now + m->utc.offset_us) / 1000000));
    return VERDICT_OK;
}

verdict_t set_systimestamp(modem_t *m, args_t *args)
{
    clock_set(m, (uint32_t)args->at[0].number);
    return VERDICT_OK;
}

/* ---- AT+SYSROLLBACK, AT+TEST, and what is only taken [2.19, 2.23, 2.11, 2.24] ---- */

/* Two slots: an update leaves the image before in the other one. */
verdict_t run_sysrollback(modem_t *m)
{
    if (!m->saved.other_image) return refuse(m, CIPMUX_REASON_NO_IMAGE, TEXT_NONE);
    m->slot.after = AFTER_RESTART;
    return VERDICT_OK;
}

/* Its arguments are in range; nothing in a virtual modem depends on them. */
verdict_t set_accepted(modem_t *m, args_t *args)
{
    (void)m;
    (void)args;
    return VERDICT_OK;
}

verdict_t test_test(modem_t *m)
{
    say(m, TEXT_TEST_TEST);
    return VERDICT_OK;
}

verdict_t query_test(modem_t *m)
{
    say(m, TEXT_TEST_QUERY);
    return VERDICT_OK;
}

verdict_t run_test(modem_t *m)
{
    say(m, TEXT_TEST_RUN);
    return VERDICT_OK;
}

verdict_t set_test(modem_t *m, args_t *args)
{
    say(m, TEXT_TEST_FIRST, (int)args->at[0].number);
    say(m, TEXT_TEST_SECOND, args->at[1].text, (int)args->at[1].length);
    if (args->count > 2) say(m, TEXT_TEST_THIRD, (int)args->at[2].number);
    return VERDICT_OK;
}
