/* simavr in steps. See mcu.h.
 *
 * mcu_run() is simavr's own avr_callback_run_raw() as a loop: one instruction, the timers that are due, interrupts. What
 * it leaves out are the calls that do nothing most of the time, so there is time to look at each instruction. */
#include "mcu.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sim_core.h>
#include <sim_gdb.h>
#include <sim_hex.h>
#include <sim_io.h>
#include <sim_regbit.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A firmware writes the stack pointer's two bytes this close together; in between it is neither old nor new. */
enum { SP_SETTLES = 8 };
enum { FREQUENCY = 16000000, MILLIVOLTS = 5000 };

/* ---- What simavr says -------------------------------------------------------------------------------------------- */

/* One line of it, without its colours and marks. That it crashed is for the caller to say. */
static void say(struct avr_t *avr, const int level, const char *format, va_list arguments)
{
    char text[256], *at = text;
    if (level > LOG_ERROR || !avr) return; /* without an AVR: what mcu_open() tells itself */
    vsnprintf(text, sizeof text, format, arguments);
    if (strncmp(at, "\033[31m", 5) == 0) at += 5;
    if (strncmp(at, "\033[0m", 4) == 0) at += 4;
    if (strncmp(at, "CORE: *** ", 10) == 0) at += 10;
    at[strcspn(at, "\n\033")] = '\0';
    if (strcmp(at, "avr_sadly_crashed") != 0) fprintf(stderr, "simavr: %s\n", at);
}

/* ---- The stack --------------------------------------------------------------------------------------------------- */

static void note_stack(mcu_t *mcu)
{
    uint16_t sp = (uint16_t)(mcu->avr->data[R_SPL] | mcu->avr->data[R_SPH] << 8);
    if (sp > mcu->avr->ioend && sp < mcu->sp_low) mcu->sp_low = sp;
}

static void write_spl(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *context)
{
    mcu_t *mcu = context;
    if (avr->cycle > mcu->sp_seen + SP_SETTLES) note_stack(mcu);
    avr->data[address] = value;
    mcu->sp_seen = avr->cycle;
}

/* The core writes both bytes in one instruction, the low one first. */
static void write_sph(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *context)
{
    mcu_t *mcu = context;
    bool   together = mcu->sp_seen == avr->cycle;
    if (avr->cycle > mcu->sp_seen + SP_SETTLES) note_stack(mcu);
    avr->data[address] = value;
    if (together) note_stack(mcu);
    mcu->sp_seen = avr->cycle;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* The number of the interrupt whose vector is at `pc`; 0: none. */
static unsigned vector_at(const mcu_t *mcu, uint32_t pc)
{
    return pc < mcu->vectors_end && pc % mcu->avr->vector_size == 0 ? (unsigned)(pc / mcu->avr->vector_size) : 0;
}

/* Between two instructions. simavr enters a handler in no time; silicon takes a cycle for each byte of the address that
 * it pushes, and two more (datasheet, "Interrupt Response Time"). */
static inline void look_at_interrupts(mcu_t *mcu, uint32_t pc)
{
    avr_t *avr = mcu->avr;
    bool   on = avr->sreg[S_I] != 0;
    if (on == mcu->on) return;
    mcu->on = on;
    if (!on) {
        bool entered = vector_at(mcu, avr->pc) != 0; /* else an instruction did it */
        mcu->off_since = avr->cycle;
        mcu->off_pc = entered ? avr->pc : pc;
        if (entered) avr->cycle += avr->address_size + 2u;
    } else {
        if (mcu->was_on && avr->cycle - mcu->off_since > mcu->off_longest) {
            mcu->off_longest = avr->cycle - mcu->off_since;
            mcu->off_from = mcu->off_pc;
        }
        mcu->was_on = true;
    }
}

static inline bool timer_is_due(const avr_t *avr)
{
    return avr->cycle_timers.timer && avr->cycle_timers.timer->when <= avr->cycle;
}

/* Asleep: the next timer's cycle comes at once. */
static bool sleep_on(mcu_t *mcu)
{
    avr_t   *avr = mcu->avr;
    uint64_t wakes = avr->cycle_timers.timer ? avr->cycle_timers.timer->when : mcu->until;
    if (!avr->sreg[S_I]) return false;
    if (wakes > mcu->until) wakes = mcu->until;
    avr->cycle = wakes > avr->cycle ? wakes : avr->cycle + 1;
    avr_cycle_timer_process(avr);
    return true;
}

static void step(mcu_t *mcu)
{
    avr_t          *avr = mcu->avr;
    avr_flashaddr_t pc = avr->pc, next = avr_run_one(avr);
    if (avr->state == cpu_Crashed) return; /* there */
    if (timer_is_due(avr)) {
        avr_cycle_timer_process(avr);
        if (avr->run != mcu->run) { /* the watchdog bites */
            avr_run(avr);
            return;
        }
    }
    avr->pc = next;
    if (avr->interrupt_state && avr->state <= cpu_Sleeping) avr_service_interrupts(avr);
    look_at_interrupts(mcu, pc);
}

/* gdb may stop it: simavr then waits a little for a command and returns. A signal meanwhile would let it wait for ever. */
static void run_with_gdb(mcu_t *mcu)
{
    avr_t   *avr = mcu->avr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    do {
        uint32_t pc = avr->pc;
        avr_run(avr);
        look_at_interrupts(mcu, pc);
    } while (avr->cycle < mcu->until && (avr->state == cpu_Running || avr->state == cpu_Sleeping));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void no_sleep(struct avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles;
}

mcu_state_t mcu_run(mcu_t *mcu, uint64_t cycle)
{
    avr_t *avr = mcu->avr;
    mcu->until = cycle;
    if (avr->gdb) {
        run_with_gdb(mcu);
    } else {
        while (avr->cycle < mcu->until) {
            if (avr->state == cpu_Running) {
                step(mcu);
            } else if (avr->state != cpu_Sleeping || !sleep_on(mcu)) {
                break;
            } else {
                if (avr->interrupt_state) avr_service_interrupts(avr);
                look_at_interrupts(mcu, avr->pc);
            }
        }
    }
    if (avr->state == cpu_Crashed) return MCU_CRASHED;
    return avr->state == cpu_Done || (avr->state == cpu_Sleeping && !avr->sreg[S_I]) ? MCU_ENDED : MCU_RUNS;
}

void mcu_stop(mcu_t *mcu)
{
    mcu->until = 0;
}

void mcu_reset(mcu_t *mcu)
{
    avr_reset(mcu->avr);
    avr_regbit_set(mcu->avr, mcu->avr->reset_flags.extrf);
}

static void was_reset(struct avr_io_t *io)
{
    mcu_t *mcu = (mcu_t *)((char *)io - offsetof(mcu_t, io));
    mcu->on = mcu->was_on = false;
    mcu->sp_seen = 0;
    if (mcu->on_reset) mcu->on_reset(mcu->context);
}

/* ---- Time and place ---------------------------------------------------------------------------------------------- */

uint64_t mcu_time_us(const mcu_t *mcu)
{
    uint64_t cycle = mcu->avr->cycle, hz = mcu->avr->frequency;
    return cycle / hz * 1000000 + cycle % hz * 1000000 / hz;
}

uint64_t mcu_cycle_at(const mcu_t *mcu, uint64_t time_us)
{
    uint64_t hz = mcu->avr->frequency;
    if (time_us / 1000000 >= UINT64_MAX / hz) return UINT64_MAX;
    return time_us / 1000000 * hz + (time_us % 1000000 * hz + 999999) / 1000000;
}

const char *mcu_place(const mcu_t *mcu, uint32_t pc, char out[MCU_PLACE_MAX])
{
    const avr_symbol_t *best = NULL;
    if (vector_at(mcu, pc)) {
        snprintf(out, MCU_PLACE_MAX, "the handler of interrupt %u", vector_at(mcu, pc));
        return out;
    }
    for (uint32_t i = 0; i < mcu->firmware.symbolcount; i++) {
        const avr_symbol_t *symbol = mcu->firmware.symbol[i];
        bool                label = symbol->symbol[0] == '.' || strncmp(symbol->symbol, "__", 2) == 0;
        if (symbol->addr > pc || (label && strncmp(symbol->symbol, "__vector_", 9) != 0)) continue;
        if (!best || symbol->addr > best->addr) best = symbol;
    }
    if (best)
        snprintf(out, MCU_PLACE_MAX, "%.60s+0x%x (0x%04x)", best->symbol, (unsigned)(pc - best->addr), (unsigned)pc);
    else
        snprintf(out, MCU_PLACE_MAX, "0x%04x", (unsigned)pc);
    return out;
}

uint32_t mcu_pc(const mcu_t *mcu)
{
    return mcu->avr->pc;
}

uint32_t mcu_flash_used(const mcu_t *mcu)
{
    return mcu->firmware.flashsize;
}

uint32_t mcu_ram_used(const mcu_t *mcu)
{
    return mcu->firmware.datasize + mcu->firmware.bsssize;
}

uint32_t mcu_stack_used(const mcu_t *mcu)
{
    return mcu->avr->ramend > mcu->sp_low ? (uint32_t)(mcu->avr->ramend - mcu->sp_low) : 0;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool failed(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, MCU_ERROR_MAX, format, arguments);
    va_end(arguments);
    return false;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

/* The chunks of a .hex file in one piece of flash. */
static bool read_hex(elf_firmware_t *firmware, const char *file, char *error)
{
    ihex_chunk_p chunks = NULL;
    int          count = read_ihex_chunks(file, &chunks);
    uint32_t     end = 0;
    if (count <= 0) return failed(error, "%s: not a .hex file that can be read", file);
    for (int i = 0; i < count; i++)
        if (chunks[i].baseaddr < AVR_SEGMENT_OFFSET_EEPROM && chunks[i].baseaddr + chunks[i].size > end)
            end = chunks[i].baseaddr + chunks[i].size;
    firmware->flash = malloc(end ? end : 1);
    if (!firmware->flash) return failed(error, "no memory");
    memset(firmware->flash, 0xff, end);
    for (int i = 0; i < count; i++)
        if (chunks[i].baseaddr < AVR_SEGMENT_OFFSET_EEPROM)
            memcpy(firmware->flash + chunks[i].baseaddr, chunks[i].data, chunks[i].size);
    firmware->flashsize = end;
    free_ihex_chunks(chunks);
    return true;
}

/* The core of an ELF for the AVR, as binutils number them; 0: it is none. simavr's reader trusts every ELF. */
static unsigned core_of_elf(const uint8_t header[52])
{
    enum { CLASS = 4, CLASS_32 = 1, MACHINE = 18, MACHINE_AVR = 83, FLAGS = 36, FLAGS_CORE = 0x7f };
    bool is_avr = memcmp(header, "\177ELF", 4) == 0 && header[CLASS] == CLASS_32 && header[MACHINE] == MACHINE_AVR &&
                  header[MACHINE + 1] == 0;
    return is_avr ? header[FLAGS] & FLAGS_CORE : 0;
}

static bool read_firmware(mcu_t *mcu, const char *file, char *error)
{
    uint8_t header[52] = { 0 };
    FILE   *there = fopen(file, "rb");
    if (!there) return failed(error, "%s: it cannot be read", file);
    size_t got = fread(header, 1, sizeof header, there);
    fclose(there);
    if (ends_in(file, ".hex")) return read_hex(&mcu->firmware, file, error);
    mcu->core = got == sizeof header ? core_of_elf(header) : 0;
    if (mcu->core == 0 || elf_read_firmware(file, &mcu->firmware) != 0)
        return failed(error, "%s: not firmware: neither an .elf for the AVR nor a .hex", file);
    return true;
}

/* Of the three cores of the larger ones, which differ by their flash: an .elf for another one crashes sooner or later. */
static bool fits_core(const mcu_t *mcu)
{
    enum { AVR5 = 5, AVR51 = 51, AVR6 = 6 };
    unsigned own = mcu->avr->flashend > 0x1ffff ? AVR6 : mcu->avr->flashend > 0xffff ? AVR51 : AVR5;
    return (mcu->core != AVR5 && mcu->core != AVR51 && mcu->core != AVR6) || mcu->core == own;
}

/* xorshift64*: what the RAM holds at power-on does not need more. */
static void fill_with_noise(avr_t *avr, uint64_t seed)
{
    for (uint32_t at = (uint32_t)avr->ioend + 1; at <= avr->ramend; at++) {
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        avr->data[at] = (uint8_t)(seed * 0x2545f4914f6cdd1dULL >> 56);
    }
}

static void watch(mcu_t *mcu)
{
    avr_t     *avr = mcu->avr;
    avr_io_t **last = &avr->io_port;
    for (int i = 0; i < avr->interrupts.vector_count; i++) {
        uint32_t end = (uint32_t)(avr->interrupts.vector[i]->vector + 1) * avr->vector_size;
        if (end > mcu->vectors_end) mcu->vectors_end = end;
    }
    avr->io[AVR_DATA_TO_IO(R_SPL)].w.c = write_spl;
    avr->io[AVR_DATA_TO_IO(R_SPH)].w.c = write_sph;
    avr->io[AVR_DATA_TO_IO(R_SPL)].w.param = avr->io[AVR_DATA_TO_IO(R_SPH)].w.param = mcu;
    mcu->sp_low = avr->ramend;
    mcu->io = (avr_io_t){ .avr = avr, .kind = "lab", .reset = was_reset };
    while (*last) /* behind simavr's own, which set registers as they like */
        last = &(*last)->next;
    *last = &mcu->io;
}

/* A socket that listens on this computer only. -1: errno says why. */
static int listen_here(uint16_t port)
{
    struct sockaddr_in here = { .sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int          yes = 1;
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)&here, sizeof here) == 0 && listen(fd, 1) == 0) return fd;
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

/* simavr listens on every interface. So it does at some free port, and then its socket, the first free descriptor, is
 * exchanged for one of ours. */
static bool start_gdb(mcu_t *mcu, uint16_t port, char *error)
{
    avr_t *avr = mcu->avr;
    int    listener = listen_here(port), its = listener < 0 ? -1 : dup(listener);
    if (its >= 0) close(its);
    avr->gdb_port = 0;
    avr->state = cpu_Stopped;
    bool good = its >= 0 && avr_gdb_init(avr) == 0 && dup2(listener, its) == its;
    if (!good) failed(error, "--gdb=%u: %s", (unsigned)port, strerror(errno));
    if (listener >= 0) close(listener);
    avr->gdb_port = port;
    avr->sleep = no_sleep;
    return good;
}

bool mcu_open(mcu_t *mcu, const mcu_config_t *config, char error[MCU_ERROR_MAX])
{
    *mcu = (mcu_t){ .until = 0 };
    avr_global_logger_set(say);
    if (!read_firmware(mcu, config->file, error)) return false;
    const char *name = config->name ? config->name : mcu->firmware.mmcu[0] ? mcu->firmware.mmcu : "atmega328p";
    mcu->name = name;
    mcu->avr = avr_make_mcu_by_name(name);
    if (!mcu->avr) return failed(error, "--mcu=%s: simavr does not know it", name);
    avr_t *avr = mcu->avr;
    avr_init(avr);
    if (!fits_core(mcu))
        return failed(error, "%s: compiled for another microcontroller (avr%u) than the %s: see --mcu", config->file,
                      mcu->core, name);
    if (mcu->firmware.flashsize > avr->flashend + 1)
        return failed(error, "%s: %u bytes, the flash of the %s has %u", config->file,
                      (unsigned)mcu->firmware.flashsize, name, (unsigned)avr->flashend + 1);
    mcu->firmware.tracecount = 0; /* --vcd is the only one who writes such a file */
    avr_load_firmware(avr, &mcu->firmware);
    avr->codeend = avr->flashend;
    avr->frequency = config->frequency         ? config->frequency
                     : mcu->firmware.frequency ? mcu->firmware.frequency
                                               : FREQUENCY;
    if (!avr->vcc) avr->vcc = MILLIVOLTS;
    if (!avr->avcc) avr->avcc = avr->vcc;
    if (!avr->aref) avr->aref = avr->avcc;
    avr->sleep = no_sleep;
    mcu->run = avr->run;
    watch(mcu);
    if (config->seed) fill_with_noise(avr, config->seed);
    return !config->gdb_port || start_gdb(mcu, config->gdb_port, error);
}

static void free_firmware(elf_firmware_t *firmware)
{
    for (uint32_t i = 0; i < firmware->symbolcount; i++)
        free(firmware->symbol[i]);
    free(firmware->symbol);
    free(firmware->flash);
}

/* Of an MCU that is open, not halfway. */
static void terminate(avr_t *avr, const avr_io_t *own)
{
    avr_io_t **at = &avr->io_port;
    while (*at && *at != own)
        at = &(*at)->next;
    if (*at) *at = NULL; /* simavr would free it */
    avr_terminate(avr);
    free(avr);
}

void mcu_close(mcu_t *mcu)
{
    if (mcu->run) terminate(mcu->avr, &mcu->io);
    free_firmware(&mcu->firmware);
}
