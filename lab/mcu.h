/* A simulated microcontroller: simavr, run in steps of its own time, and watched.
 *
 * Cycles of the AVR are the time. mcu_run() lets it run up to a cycle; whatever happens outside before that cycle calls
 * mcu_stop(), so that the caller can look. The rest of lab/ hangs on simavr through the public `avr`. */
#ifndef LAB_MCU_H
#define LAB_MCU_H

#include <sim_avr.h>
#include <sim_elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MCU_ERROR_MAX = 256, MCU_PLACE_MAX = 96 };

typedef struct {
    const char *file;      /* .elf, or .hex */
    const char *name;      /* as simavr calls it; NULL: as the firmware says, or else atmega328p */
    uint32_t    frequency; /* Hz; 0: as the firmware says, or else 16 MHz */
    uint64_t    seed;      /* not 0: the RAM holds noise at power-on, as it does in silicon, instead of zeros */
    uint16_t    gdb_port;  /* 0: no gdb. Else the MCU waits for it at 127.0.0.1 */
} mcu_config_t;

typedef enum {
    MCU_RUNS,
    MCU_ENDED,   /* asleep with interrupts off: for ever */
    MCU_CRASHED, /* it left the flash, or wrote where no memory is: simavr has said so on stderr */
} mcu_state_t;

typedef struct {
    avr_t         *avr;
    const char    *name;     /* as it was asked for */
    elf_firmware_t firmware; /* of a .hex: only flash */
    unsigned       core;     /* that an .elf was compiled for: 5 is avr5; 0 of a .hex */
    avr_run_t      run;      /* simavr's own; another while the watchdog resets */
    uint64_t       until;    /* cycle */

    uint64_t off_since;        /* interrupts: the cycle at which they went off */
    uint64_t off_longest;      /* cycles */
    uint32_t off_from, off_pc; /* where the longest began; where the present one */
    bool     on, was_on;       /* interrupts; were they ever */
    uint32_t vectors_end;      /* of the table in flash */
    uint16_t sp_low;           /* lowest stack pointer */
    uint64_t sp_seen;          /* cycle of its last change */
    avr_io_t io;               /* resets what hangs here when the AVR is reset */
    void (*on_reset)(void *context);
    void *context;
} mcu_t;

/* False: `error` says why. */
bool mcu_open(mcu_t *mcu, const mcu_config_t *config, char error[MCU_ERROR_MAX]);
void mcu_close(mcu_t *mcu);

/* Runs up to `cycle` or mcu_stop(), the end of an instruction. */
mcu_state_t mcu_run(mcu_t *mcu, uint64_t cycle);
void        mcu_stop(mcu_t *mcu);
/* The reset pin; the RAM stays as it is. */
void mcu_reset(mcu_t *mcu);

/* Cycles as microseconds since power-on, and the first cycle at or behind a time. */
uint64_t mcu_time_us(const mcu_t *mcu);
uint64_t mcu_cycle_at(const mcu_t *mcu, uint64_t time_us);

/* "name+0x12" if the firmware has symbols, "0x1234" else; then the byte address in flash. */
const char *mcu_place(const mcu_t *mcu, uint32_t pc, char out[MCU_PLACE_MAX]);
/* The address of the instruction that runs, or ran last. */
uint32_t mcu_pc(const mcu_t *mcu);

/* Byte by byte: flash that the firmware takes, and RAM for its variables (0 for a .hex: not known). */
uint32_t mcu_flash_used(const mcu_t *mcu);
uint32_t mcu_ram_used(const mcu_t *mcu);
uint32_t mcu_stack_used(const mcu_t *mcu);

#endif
