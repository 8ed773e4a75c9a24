/* Sleep, and the radio's power: numbers that a virtual modem keeps, and the deep sleep that it does sleep.
 * Facts: [basic 2.6, 2.10-2.13, 2.24]. */
#include "internal.h"

void power_start(modem_t *m)
{
    m->power = (power_t){
        .mode = (uint8_t)number(m, NUMBER_SLEEP_DEFAULT),
        .rf_power = (uint8_t)number(m, NUMBER_RF_POWER_DEFAULT),
        .rf_supply = m->pins.supply,
    };
}

/* ---- deep sleep ---- */

verdict_t set_gslp(modem_t *m, args_t *args)
{
    m->power.sleep_ms = (uint32_t)args->at[0].number;
    m->slot.after = AFTER_SLEEP;
    return VERDICT_OK;
}

/* Behind its OK. Everything ends as at a reset, without a word; then only the reset pin is heard. */
void power_sleep(modem_t *m)
{
    modem_forget(m);
    io_start(m);
    m->power.asleep = true;
    m->asks |= ASK_SLEEP;
}

/* ---- light and modem sleep: the number is kept ---- */

verdict_t query_sleep(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->power.mode);
    return VERDICT_OK;
}

verdict_t set_sleep(modem_t *m, args_t *args)
{
    const int32_t mode = args->at[0].number;
    const uint8_t policy = quirk(m, CIPMUX_QUIRK_SLEEP_NEEDS_STATION);
    const bool    needs_station = policy == 2 || (policy == 1 && mode != 0);
    if (needs_station && m->wifi.mode != 1) return refuse(m, CIPMUX_REASON_NOT_STATION, TEXT_NONE);
    wake_sleep_mode(m, mode);
    m->power.mode = (uint8_t)(mode == 2 ? number(m, NUMBER_SLEEP_2_SHOWN) : mode);
    return VERDICT_OK;
}

/* <en>[,<gpio>,<level>[,<awake gpio>,<awake level>]] */
verdict_t set_wakeupgpio(modem_t *m, args_t *args)
{
    const size_t count = args->count;
    if (args->at[0].number == 0) return VERDICT_OK;
    if (count != 3 && count != 5) return refuse_argument(m, FAULT_COUNT, count, TEXT_NONE);
    if (count == 5 && args->at[1].number == args->at[3].number) return refuse_argument(m, FAULT_VALUE, 3, TEXT_NONE);
    return VERDICT_OK;
}

/* ---- the radio's power ---- */

verdict_t set_rfpower(modem_t *m, args_t *args)
{
    m->power.rf_power = (uint8_t)args->at[0].number;
    return VERDICT_OK;
}

/* The chip has these levels: what was set became the next lower one. */
verdict_t query_rfpower(modem_t *m)
{
    static const uint8_t levels[] = { 82, 78, 74, 68, 64, 56, 48, 32 };
    size_t               i = 0;
    if (m->wifi.mode == 0 && quirk(m, CIPMUX_QUIRK_RF_POWER_NEEDS_WIFI)) {
        return refuse(m, CIPMUX_REASON_WIFI_OFF, TEXT_NONE);
    }
    while (levels[i] > m->power.rf_power)
        i++;
    say(m, TEXT_NAME_VALUE, levels[i]);
    return VERDICT_OK;
}

verdict_t query_rfvdd(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->power.rf_supply);
    return VERDICT_OK;
}

verdict_t set_rfvdd(modem_t *m, args_t *args)
{
    enum { LOWEST = 1900, HIGHEST = 3300 };
    const int32_t value = args->at[0].number;
    if (value < LOWEST || value > HIGHEST) return refuse_argument(m, FAULT_VALUE, 0, TEXT_RFVDD_RANGE);
    m->power.rf_supply = (uint16_t)value;
    return VERDICT_OK;
}

verdict_t run_rfvdd(modem_t *m)
{
    m->power.rf_supply = m->pins.supply;
    return VERDICT_OK;
}

verdict_t query_rfautotrace(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->saved.autotrace);
    return VERDICT_OK;
}

verdict_t set_rfautotrace(modem_t *m, args_t *args)
{
    m->saved.autotrace = args->at[0].number == 1;
    return VERDICT_OK;
}
