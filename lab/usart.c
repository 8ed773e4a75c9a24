/* The AVR's USART. See usart.h. */
#include "usart.h"

#include <sim_interrupts.h>
#include <sim_io.h>
#include <sim_regbit.h>

enum { UPM1 = 0x20, UPM0 = 0x10 }; /* of UCSRnC: simavr does not know them */

static void raise_vector(usart_t *usart, avr_int_vector_t *vector)
{
    avr_raise_interrupt(usart->mcu->avr, vector);
}

/* Also forgets that it waits for its turn. */
static void clear_vector(usart_t *usart, avr_int_vector_t *vector)
{
    avr_clear_interrupt(usart->mcu->avr, vector);
    avr_regbit_clear(usart->mcu->avr, vector->raised);
}

static bool bit(const usart_t *usart, avr_regbit_t which)
{
    return avr_regbit_get(usart->mcu->avr, which) != 0;
}

/* ---- The line ---------------------------------------------------------------------------------------------------- */

static uint32_t cycles_per_bit(const usart_t *usart)
{
    avr_t   *avr = usart->mcu->avr;
    uint32_t divisor = avr_regbit_get(avr, usart->port->ubrrl) | (uint32_t)avr_regbit_get(avr, usart->port->ubrrh) << 8;
    return (divisor + 1) * (bit(usart, usart->port->u2x) ? 8 : 16);
}

static uint8_t upm(const usart_t *usart)
{
    return usart->mcu->avr->data[usart->port->r_ucsrc] & (UPM1 | UPM0);
}

cipmux_line_t usart_line(const usart_t *usart)
{
    avr_t   *avr = usart->mcu->avr;
    unsigned size = avr_regbit_get(avr, usart->port->ucsz) | (unsigned)avr_regbit_get(avr, usart->port->ucsz2) << 2;
    cipmux_line_t line = { .baud = avr->frequency / cycles_per_bit(usart),
                           .data_bits = (uint8_t)(size > 3 ? 8 : 5 + size) };
    line.stop_bits = bit(usart, usart->port->usbs) ? 3 : 1;
    line.parity = upm(usart) == (UPM1 | UPM0) ? 1 : upm(usart) == UPM1 ? 2 : 0;
    return line;
}

bool usart_is_on(const usart_t *usart)
{
    return bit(usart, usart->port->rxen) || bit(usart, usart->port->txen);
}

uint64_t usart_character(const usart_t *usart)
{
    cipmux_line_t line = usart_line(usart);
    unsigned      bits = 1u + line.data_bits + (line.parity ? 1u : 0u) + (line.stop_bits == 3 ? 2u : 1u);
    return (uint64_t)bits * cycles_per_bit(usart);
}

/* ---- The receiver ------------------------------------------------------------------------------------------------ */

/* The flags of the character that is read next. */
static void show_first(usart_t *usart)
{
    avr_t  *avr = usart->mcu->avr;
    uint8_t errors = usart->held > 0 ? usart->fifo[0].errors : 0;
    avr_regbit_setto(avr, usart->port->fe, (errors & USART_FRAMING) != 0);
    avr_regbit_setto(avr, usart->port->upe, (errors & USART_PARITY) != 0);
    avr_regbit_setto(avr, usart->port->dor, (errors & USART_OVERRUN) != 0);
    if (usart->held == 0)
        clear_vector(usart, &usart->port->rxc);
    else
        raise_vector(usart, &usart->port->rxc);
}

static void hold(usart_t *usart, uint8_t byte, uint8_t errors)
{
    usart->fifo[usart->held].byte = byte;
    usart->fifo[usart->held++].errors = errors | usart->lost_before;
    usart->lost_before = 0;
    if (usart->held == 1) show_first(usart);
}

/* The character in the shift register is overwritten by the next. */
static void lose(usart_t *usart, uint64_t number)
{
    usart->waits = false;
    usart->lost_before = USART_OVERRUN;
    usart->counters.lost++;
    if (usart->loses) usart->loses(usart->context, number);
}

void usart_receive(usart_t *usart, uint8_t byte, uint8_t errors)
{
    usart->counters.received++;
    if (!bit(usart, usart->port->rxen)) {
        usart->counters.unheard++;
        return;
    }
    if (errors) usart->counters.bad++;
    avr_raise_irq(usart->irq + USART_IRQ_RECEIVED, byte);
    if (usart->waits) lose(usart, usart->counters.received - 1);
    if (usart->held < USART_FIFO) {
        hold(usart, byte, errors);
        return;
    }
    usart->waits = true;
    usart->waiting = byte;
    usart->waiting_errors = errors;
}

static uint8_t read_udr(struct avr_t *avr, avr_io_addr_t address, void *context)
{
    usart_t *usart = context;
    if (usart->held == 0) return avr->data[address];
    avr->data[address] = usart->fifo[0].byte;
    usart->counters.read++;
    usart->held--;
    for (unsigned i = 0; i < usart->held; i++)
        usart->fifo[i] = usart->fifo[i + 1];
    if (usart->waits && usart->arriving && usart->arriving(usart->context)) lose(usart, usart->counters.received);
    if (usart->waits) {
        usart->waits = false;
        hold(usart, usart->waiting, usart->waiting_errors);
    }
    show_first(usart);
    return avr->data[address];
}

static void stop_receiving(usart_t *usart)
{
    usart->held = 0;
    usart->waits = false;
    usart->lost_before = 0;
    show_first(usart);
}

/* ---- The transmitter --------------------------------------------------------------------------------------------- */

static avr_cycle_count_t character_is_out(struct avr_t *avr, avr_cycle_count_t when, void *context);

static void shift_out(usart_t *usart, uint8_t byte)
{
    usart->shifting = true;
    usart->counters.sent++;
    avr_raise_irq(usart->irq + USART_IRQ_SENT, byte);
    if (usart->sends) usart->sends(usart->context, byte);
}

static avr_cycle_count_t character_is_out(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    usart_t *usart = context;
    (void)avr;
    usart->shifting = false;
    if (!usart->full) {
        raise_vector(usart, &usart->port->txc);
        return 0;
    }
    usart->full = false;
    shift_out(usart, usart->next);
    raise_vector(usart, &usart->port->udrc);
    return when + usart_character(usart);
}

static void write_udr(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *context)
{
    usart_t *usart = context;
    (void)address;
    if (!bit(usart, usart->port->txen) || usart->full) {
        usart->counters.unsent++;
        return;
    }
    if (!usart->shifting) {
        avr_cycle_timer_register(avr, usart_character(usart), character_is_out, usart);
        shift_out(usart, value);
        raise_vector(usart, &usart->port->udrc); /* UDRn is empty again at once */
    } else {
        usart->next = value;
        usart->full = true;
        clear_vector(usart, &usart->port->udrc);
    }
}

/* ---- The other registers ----------------------------------------------------------------------------------------- */

static uint8_t mask(avr_regbit_t which)
{
    return (uint8_t)(which.mask << which.bit);
}

/* UCSRnA: the flags are the USART's; TXCn is cleared by a one. */
static void write_ucsra(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *context)
{
    usart_t    *usart = context;
    avr_uart_t *port = usart->port;
    uint8_t     flags = (uint8_t)(mask(port->rxc.raised) | mask(port->txc.raised) | mask(port->udrc.raised) |
                              mask(port->fe) | mask(port->dor) | mask(port->upe));
    avr->data[address] = (uint8_t)((value & ~flags) | (avr->data[address] & flags));
    if (value & mask(port->txc.raised)) clear_vector(usart, &port->txc);
}

/* An interrupt that is allowed now and whose flag is up. */
static void ask(usart_t *usart, avr_int_vector_t *vector)
{
    if (bit(usart, vector->enable) && bit(usart, vector->raised)) raise_vector(usart, vector);
}

static void write_ucsrb(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *context)
{
    usart_t *usart = context;
    bool     received = bit(usart, usart->port->rxen);
    avr->data[address] = (uint8_t)((value & ~mask(usart->port->rxb8)) | (avr->data[address] & mask(usart->port->rxb8)));
    if (received && !bit(usart, usart->port->rxen)) stop_receiving(usart);
    ask(usart, &usart->port->rxc);
    ask(usart, &usart->port->txc);
    ask(usart, &usart->port->udrc);
}

/* A level: if its handler left the flag up, it comes again. */
static void handler_ended(struct avr_irq_t *irq, uint32_t running, void *context)
{
    usart_t *usart = context;
    if (running) return;
    ask(usart, irq == usart->port->rxc.irq + AVR_INT_IRQ_RUNNING ? &usart->port->rxc : &usart->port->udrc);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void take_over(usart_t *usart)
{
    const struct {
        avr_io_addr_t  address;
        avr_io_read_t  read;
        avr_io_write_t write;
    } registers[] = {
        { usart->port->r_udr, read_udr, write_udr },
        { usart->port->r_ucsra, NULL, write_ucsra },
        { usart->port->rxen.reg, NULL, write_ucsrb },
        { usart->port->ubrrl.reg, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        avr_io_addr_t at = AVR_DATA_TO_IO(registers[i].address);
        usart->mcu->avr->io[at].r.c = registers[i].read;
        usart->mcu->avr->io[at].w.c = registers[i].write;
        usart->mcu->avr->io[at].r.param = usart->mcu->avr->io[at].w.param = usart;
    }
    avr_irq_register_notify(usart->port->rxc.irq + AVR_INT_IRQ_RUNNING, handler_ended, usart);
    avr_irq_register_notify(usart->port->udrc.irq + AVR_INT_IRQ_RUNNING, handler_ended, usart);
}

bool usart_open(usart_t *usart, mcu_t *mcu, unsigned number)
{
    static const char *names[USART_IRQS] = { "8>received", "8>sent" };
    *usart = (usart_t){ .mcu = mcu };
    for (avr_io_t *io = mcu->avr->io_port; io; io = io->next) {
        avr_uart_t *port = (avr_uart_t *)io;
        if (__builtin_strcmp(io->kind, "uart") == 0 && port->name == (char)('0' + number)) usart->port = port;
    }
    if (!usart->port || !usart->port->udrc.vector) return false; /* the LIN kind is another */
    usart->irq = avr_alloc_irq(&mcu->avr->irq_pool, 0, USART_IRQS, names);
    take_over(usart);
    usart_reset(usart);
    return true;
}

void usart_reset(usart_t *usart)
{
    avr_t *avr = usart->mcu->avr;
    avr_cycle_timer_cancel(avr, character_is_out, usart);
    usart->held = 0;
    usart->waits = usart->shifting = usart->full = false;
    usart->lost_before = 0;
    avr->data[usart->port->r_ucsra] = mask(usart->port->udrc.raised);
    avr->data[usart->port->rxen.reg] = 0; /* simavr switches the transmitter on */
}
