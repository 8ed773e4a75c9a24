/* The report. See report.h. */
#include "report.h"

#include <errno.h>
#include <string.h>

typedef struct {
    double   seconds, real_seconds, mhz, off_us;
    uint64_t lost, unheard, bad, unsent;
    uint32_t flash, flash_size, ram, stack, ram_size;
    char     off_place[MCU_PLACE_MAX];
} figures_t;

static figures_t figures(const bench_t *bench)
{
    const mcu_t *mcu = &bench->mcu;
    const avr_t *avr = mcu->avr;
    figures_t    f = { .seconds = (double)avr->cycle / avr->frequency,
                       .real_seconds = (double)(bench->ended_ns - bench->began_ns) / 1e9,
                       .off_us = (double)mcu->off_longest * 1e6 / avr->frequency,
                       .lost = bench->usart.counters.lost,
                       .unheard = bench->usart.counters.unheard,
                       .bad = bench->usart.counters.bad + bench->port.counters.bad,
                       .unsent = bench->usart.counters.unsent,
                       .flash = mcu_flash_used(mcu),
                       .flash_size = avr->flashend + 1,
                       .ram = mcu_ram_used(mcu),
                       .stack = mcu_stack_used(mcu),
                       .ram_size = (uint32_t)avr->ramend - avr->ioend };
    double       awake = f.real_seconds - (double)bench->slept_ns / 1e9;
    f.mhz = awake > 0 ? (double)avr->cycle / awake / 1e6 : 0;
    mcu_place(mcu, mcu->off_from, f.off_place);
    return f;
}

static void print(const bench_t *bench, const figures_t *f)
{
    const port_mcu_counters_t *line = &bench->port.counters;
    fprintf(stderr, "lab: %.3f s of the %s at %g MHz in %.3f s; %.0f MHz while it ran\n", f->seconds, bench->mcu.name,
            bench->mcu.avr->frequency / 1e6, f->real_seconds, f->mhz);
    fprintf(
        stderr,
        "lab: %llu bytes to the modem, %llu from it; %llu lost by overrun, %llu bad, %llu while the receiver was off\n",
        (unsigned long long)line->to_modem, (unsigned long long)line->from_modem, (unsigned long long)f->lost,
        (unsigned long long)f->bad, (unsigned long long)f->unheard);
    if (bench->mcu.off_longest)
        fprintf(stderr, "lab: interrupts off for %.1f us at most, from %s on\n", f->off_us, f->off_place);
    fprintf(stderr, "lab: flash %u of %u bytes; RAM ", (unsigned)f->flash, (unsigned)f->flash_size);
    if (f->ram) fprintf(stderr, "%u for variables and ", (unsigned)f->ram); /* a .hex does not tell */
    fprintf(stderr, "%u for the stack, of %u\n", (unsigned)f->stack, (unsigned)f->ram_size);
}

static void print_json(FILE *out, const bench_t *bench, const figures_t *f)
{
    const port_mcu_counters_t *line = &bench->port.counters;
    fprintf(out, "{\n  \"mcu\": \"%s\",\n  \"frequency\": %u,\n  \"status\": %d,\n", bench->mcu.name,
            (unsigned)bench->mcu.avr->frequency, bench->status);
    fprintf(out, "  \"seconds\": %.6f,\n  \"cycles\": %llu,\n  \"real_seconds\": %.6f,\n  \"mhz\": %.3f,\n", f->seconds,
            (unsigned long long)bench->mcu.avr->cycle, f->real_seconds, f->mhz);
    fprintf(out, "  \"bytes_to_modem\": %llu,\n  \"bytes_from_modem\": %llu,\n", (unsigned long long)line->to_modem,
            (unsigned long long)line->from_modem);
    fprintf(out,
            "  \"overruns\": %llu,\n  \"bad_bytes\": %llu,\n  \"unheard_bytes\": %llu,\n  \"unsent_bytes\": %llu,\n",
            (unsigned long long)f->lost, (unsigned long long)f->bad, (unsigned long long)f->unheard,
            (unsigned long long)f->unsent);
    fprintf(out, "  \"interrupts_off_us\": %.3f,\n  \"interrupts_off_from\": \"%s\",\n", f->off_us, f->off_place);
    fprintf(out,
            "  \"flash\": %u,\n  \"flash_size\": %u,\n  \"ram_variables\": %u,\n  \"ram_stack\": %u,\n  \"ram_size\": "
            "%u\n}\n",
            (unsigned)f->flash, (unsigned)f->flash_size, (unsigned)f->ram, (unsigned)f->stack, (unsigned)f->ram_size);
}

int report_write(bench_t *bench)
{
    figures_t f = figures(bench);
    if (bench->program.options.volume != LOG_QUIET) print(bench, &f);
    if (!bench->config.report) return EXIT_DONE;
    FILE *out = fopen(bench->config.report, "w");
    if (!out) {
        fprintf(stderr, "%s: --report=%s: %s\n", bench->program.options.program->name, bench->config.report,
                strerror(errno));
        return EXIT_USAGE;
    }
    print_json(out, bench, &f);
    return fclose(out) == 0 ? EXIT_DONE : EXIT_USAGE;
}
