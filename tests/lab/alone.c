/* simavr alone, for tools/bench-lab: runs FIRMWARE for SECONDS of a 16 MHz ATmega328P as simavr's own program does, with
 * nothing at its UART, and prints the simulated MHz. */
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>
#include <sim_io.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void silent(struct avr_t *avr, const int level, const char *format, va_list arguments)
{
    (void)avr;
    (void)level;
    (void)format;
    (void)arguments;
}

int main(int argc, char **argv)
{
    static elf_firmware_t firmware;
    uint32_t              flags = 0; /* no pauses while the firmware polls */
    avr_global_logger_set(silent);
    if (argc != 3 || elf_read_firmware(argv[1], &firmware) != 0) return 2;
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr->frequency = 16000000;
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    uint64_t end = (uint64_t)(atof(argv[2]) * 16e6);
    double   began = now();
    while (avr->cycle < end)
        if (avr_run(avr) == cpu_Crashed) return 1;
    printf("%.1f\n", (double)avr->cycle / (now() - began) / 1e6);
    return 0;
}
