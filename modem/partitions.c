/* The user partitions of esp-at's flash, AT+SYSFLASH: certificates and keys. Their bytes are the caller's, and outlive a
 * power cycle with it. Facts: [basic 2.21]. */
#include "internal.h"

#include <string.h>

enum { FLASH_BEGIN = 0xf1000, TYPE = 64, SECTOR = 4096, ERASED = 0xff, PKI_UNIT = 4 };

typedef struct {
    const char *name;
    uint8_t     subtype;
    bool        factory; /* the factory parameters: not to be written (GUESS) */
    uint16_t    size;
    uint32_t    address;
} partition_t;

static const partition_t partitions[] = {
    { .name = "factory_param", .subtype = 8, .factory = true, .size = 0x1000, .address = FLASH_BEGIN },
    { .name = "server_cert", .subtype = 2, .size = 0x2000, .address = 0xf2000 },
    { .name = "server_key", .subtype = 3, .size = 0x2000, .address = 0xf4000 },
    { .name = "server_ca", .subtype = 4, .size = 0x2000, .address = 0xf6000 },
    { .name = "client_cert", .subtype = 5, .size = 0x2000, .address = 0xf8000 },
    { .name = "client_key", .subtype = 6, .size = 0x2000, .address = 0xfa000 },
    { .name = "client_ca", .subtype = 7, .size = 0x2000, .address = 0xfc000 },
    { .name = "wpa2_cert", .subtype = 8, .size = 0x2000, .address = 0xfe000 },
    { .name = "wpa2_key", .subtype = 9, .size = 0x2000, .address = 0x100000 },
    { .name = "wpa2_ca", .subtype = 10, .size = 0x2000, .address = 0x102000 },
    { .name = "mqtt_cert", .subtype = 11, .size = 0x2000, .address = 0x104000 },
    { .name = "mqtt_key", .subtype = 12, .size = 0x2000, .address = 0x106000 },
    { .name = "mqtt_ca", .subtype = 13, .size = 0x2000, .address = 0x108000 },
};
enum { PARTITION_COUNT = sizeof partitions / sizeof partitions[0] };

_Static_assert(CIPMUX_FLASH_SIZE == 0x108000 + 0x2000 - FLASH_BEGIN, "the flash ends with the last partition");

static bool say_partition(modem_t *m, size_t n)
{
    if (n >= PARTITION_COUNT || m->config->flash == NULL) return false;
    const partition_t *const p = &partitions[n];
    say(m, TEXT_PARTITION, p->name, TYPE, p->subtype, p->address, p->size);
    return true;
}

verdict_t query_sysflash(modem_t *m)
{
    return slot_list(m, say_partition);
}

/* All of it under one head. */
static bool say_content(modem_t *m, size_t n)
{
    if (n > 0) return false;
    say_raw(m, TEXT_USER_BLOCK, m->slot.name, (uint16_t)m->slot.read_length);
    return true;
}

static const partition_t *find(const modem_t *m, const arg_t *name)
{
    for (size_t i = 0; i < PARTITION_COUNT && m->config->flash != NULL; i++)
        if (same_text(name->text, name->length, partitions[i].name)) return &partitions[i];
    return NULL;
}

/* Where the range of the arguments begins; NULL: it was refused. Without one all of the partition is meant. */
static uint8_t *range(modem_t *m, const args_t *args, const partition_t *p, int32_t unit, uint16_t *n)
{
    const int32_t at = args->count > 2 ? args->at[2].number : 0;
    const int32_t length = args->count > 2 ? args->at[3].number : p->size;
    if (at > p->size || length > p->size - at || at % unit != 0 || length % unit != 0) {
        refuse(m, CIPMUX_REASON_BEYOND_END, TEXT_NONE);
        return NULL;
    }
    *n = (uint16_t)length;
    return m->config->flash + (p->address - FLASH_BEGIN) + at;
}

verdict_t set_sysflash(modem_t *m, args_t *args)
{
    enum { ERASE, WRITE, READ };
    const int32_t            what = args->at[0].number;
    const partition_t *const p = find(m, &args->at[1]);
    const bool               whole = what == ERASE && args->count == 2;
    uint16_t                 n = 0;
    if (args->count != 4 && !whole) return refuse_count(m, 4, args->count);
    if (p == NULL || (p->factory && what != READ)) return refuse(m, CIPMUX_REASON_NO_PARTITION, TEXT_NONE);
    uint8_t *const from = range(m, args, p, what == ERASE ? SECTOR : what == WRITE ? PKI_UNIT : 1, &n);
    if (from == NULL) return VERDICT_ERROR;
    if (what == WRITE) return sender_open_memory(m, SEND_TO_FLASH, from, n);
    if (what == ERASE) {
        memset(from, ERASED, n);
        return VERDICT_OK;
    }
    m->slot.name = (const char *)from;
    m->slot.read_length = n;
    return slot_list(m, say_content);
}
