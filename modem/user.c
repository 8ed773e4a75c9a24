/* The user memory of esp-at, AT+USERRAM, and what its AT+USEROTA collects: both take their room from the memory that the
 * module has free. Facts: [basic 2.25]. */
#include "internal.h"

#include <string.h>

enum { RAM_FREE, RAM_MAKE, RAM_WRITE, RAM_READ, RAM_CLEAR };

/* The module's, unless the caller lent less. */
static size_t memory(const modem_t *m)
{
    const size_t own = (size_t)number(m, NUMBER_HEAP);
    if (m->config->heap == NULL) return 0;
    return m->config->heap_size < own ? m->config->heap_size : own;
}

/* ---- AT+SYSRAM [2.14] ---- */

verdict_t query_sysram(modem_t *m)
{
    const int free_at_peak = (int)number(m, NUMBER_HEAP) - m->user.peak;
    const int lowest = (int)number(m, NUMBER_HEAP_LOWEST);
    say(m, TEXT_FREE_MEMORY, (int)number(m, NUMBER_HEAP) - m->user.size, free_at_peak < lowest ? free_at_peak : lowest);
    return VERDICT_OK;
}

/* ---- AT+USERRAM ---- */

verdict_t query_userram(modem_t *m)
{
    say(m, TEXT_NAME_VALUE, m->user.size);
    return VERDICT_OK;
}

static verdict_t make(modem_t *m, int32_t size)
{
    if (m->user.size > 0) return refuse(m, CIPMUX_REASON_USER_RAM, TEXT_NONE);
    if (size <= 0) return refuse_argument(m, FAULT_VALUE, 1, TEXT_NONE);
    if ((size_t)size > memory(m)) return refuse(m, CIPMUX_REASON_NO_MEMORY, TEXT_NONE);
    m->user.size = (uint16_t)size;
    if (m->user.peak < m->user.size) m->user.peak = m->user.size;
    memset(m->config->heap, 0, m->user.size);
    return VERDICT_OK;
}

/* Blocks without a separator, each with its own head. */
static bool say_block(modem_t *m, size_t n)
{
    enum { BLOCK = 1024 };
    const size_t at = n * BLOCK;
    if (at >= m->slot.read_length) return false;
    const size_t left = m->slot.read_length - at;
    say_raw(m, TEXT_USER_BLOCK, m->slot.name + at, (uint16_t)(left < BLOCK ? left : BLOCK));
    return true;
}

static verdict_t reach(modem_t *m, const args_t *args, bool writes)
{
    const int32_t n = args->at[1].number;
    const int32_t at = args->count > 2 ? args->at[2].number : 0;
    if (m->user.size == 0) return refuse(m, CIPMUX_REASON_USER_RAM, TEXT_NONE);
    if (n <= 0) return refuse_argument(m, FAULT_VALUE, 1, TEXT_NONE);
    if (at < 0 || at > m->user.size || n > m->user.size - at) return refuse(m, CIPMUX_REASON_BEYOND_END, TEXT_NONE);
    uint8_t *const from = m->config->heap + at;
    if (writes) return sender_open_memory(m, SEND_TO_RAM, from, (uint16_t)n);
    m->slot.name = (const char *)from;
    m->slot.read_length = (uint32_t)n;
    return slot_list(m, say_block);
}

verdict_t set_userram(modem_t *m, args_t *args)
{
    static const struct {
        uint8_t least, most;
    } counts[] = { [RAM_FREE] = { 1, 1 },
                   [RAM_MAKE] = { 2, 2 },
                   [RAM_WRITE] = { 2, 3 },
                   [RAM_READ] = { 2, 3 },
                   [RAM_CLEAR] = { 1, 1 } };
    const int32_t what = args->at[0].number;
    if (args->count < counts[what].least) return refuse_count(m, counts[what].least, args->count);
    if (args->count > counts[what].most) return refuse_count(m, counts[what].most, args->count);
    if (what == RAM_MAKE) return make(m, args->at[1].number);
    if (what == RAM_WRITE || what == RAM_READ) return reach(m, args, what == RAM_WRITE);
    if (m->user.size == 0) return refuse(m, CIPMUX_REASON_USER_RAM, TEXT_NONE);
    memset(m->config->heap, 0, m->user.size);
    if (what == RAM_FREE) m->user.size = 0;
    return VERDICT_OK;
}

/* ---- AT+USEROTA ---- */

/* Its URL is collected behind the user memory. */
verdict_t set_userota(modem_t *m, args_t *args)
{
    const uint16_t n = (uint16_t)args->at[0].number;
    if (n > memory(m) - m->user.size) return refuse(m, CIPMUX_REASON_NO_MEMORY, TEXT_NONE);
    return sender_open_memory(m, SEND_TO_UPDATE, m->config->heap + m->user.size, n);
}
