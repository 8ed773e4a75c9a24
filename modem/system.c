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
