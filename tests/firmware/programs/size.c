/* The smallest program that calls every function of the driver that the loop of driver/avr and a client or server need (all but
 * cipdrv_deadline(), for programs that sleep longer than a tick), for tools/size-driver. With BASE it is the program without
 * the driver: what of the linked program is more than that, and not main or on_event, is the driver. */
#include "cipdrv.h"

#define REGISTER(address) (*(volatile uint8_t *)(address))

#ifdef BASE
static volatile uint8_t one = 1, zero; /* so that the start-up code for both is in the base too */

int main(void)
{
    for (;;)
        zero = one;
}
#else
static uint16_t on_event(cipdrv_t *from, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)from, (void)link, (void)data;
    REGISTER(0x3e) = event;
    return n;
}

static const char            network[] = "network", password[] = "password";
static const cipdrv_config_t config = { .handler = on_event, .ssid = network, .password = password, .rate = 1152 };
static cipdrv_t              driver;

int main(void)
{
    uint8_t byte;
    cipdrv_start(&driver, &config, 0);
    for (;;) {
        uint8_t now = REGISTER(0x46);
        byte = REGISTER(0xc6);
        cipdrv_sink(&driver, now, &byte, 1);
        if (cipdrv_poll(&driver, now, &byte, 1)) REGISTER(0xc6) = byte;
        if (byte == 1)
            cipdrv_dial(&driver, CIPDRV_TYPE_TCP, network, 80
#if CIPDRV_UDP
                        ,
                        0
#endif
            );
        if (byte == 2) cipdrv_send(&driver, 0, network, 8, CIPDRV_FROM_RAM);
        if (byte == 3) cipdrv_close(&driver, 0);
        if (byte == 4) cipdrv_fault(&driver);
    }
}
#endif
