/* "a,b,c" -> values, and what a command's set form takes.
 *
 * A schema is a text of fields divided by blanks: `i0:1` an integer of that range, `s1:32` a quoted text of that many bytes,
 * `x0:3` an integer that may be written in hex, `w` a word of 32 bits, likewise, `L` the link id, only there in multiple
 * mode, `A` the same where 5 means all. `?`: from here on arguments may be left out at the end. A capital I or S: the place
 * may also be left empty. `*` behind the last field: any number of them. */
#include "internal.h"

static bool read_number(arg_t *arg)
{
    const char *at = arg->text, *const end = arg->text + arg->length;
    bool    negative = false;
    int64_t value = 0;
    int     base = 10;
    if (at < end && *at == '-') {
        negative = true;
        at++;
    }
    if (end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        arg->hex = true;
        at += 2;
    }
    if (at == end) return false;
    for (; at < end; at++) {
        int digit;
        if (*at >= '0' && *at <= '9')
            digit = *at - '0';
        else if (base == 16 && *at >= 'a' && *at <= 'f')
            digit = *at - 'a' + 10;
        else if (base == 16 && *at >= 'A' && *at <= 'F')
            digit = *at - 'A' + 10;
        else
            return false;
        value = value * base + digit;
        if (value > UINT32_MAX) return false;
    }
    arg->wide = value > INT32_MAX;
    arg->number = (int32_t)(uint32_t)(negative ? -value : value);
    return !(negative && arg->wide);
}

/* A quoted text, unescaped where it stands: backslash makes the next byte literal [conventions 1.3]. Returns its end. */
static char *read_text(char *at, const char *end, arg_t *arg)
{
    char *out = at;
    arg->kind = ARG_BAD;
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end) at++;
        out[arg->length++] = *at;
    }
    if (at == end) return at;
    arg->kind = ARG_TEXT;
    return at + 1;
}

void args_split(args_t *args, char *text, size_t length)
{
    char *at = text, *const end = text + length;
    args->count = 0;
    for (;;) {
        arg_t arg = { .text = at, .kind = ARG_EMPTY };
        if (at < end && *at == '"') {
            at = read_text(at, end, &arg);
            if (at < end && *at != ',') arg.kind = ARG_BAD; /* something behind the closing quote */
        } else if (at < end && *at != ',') {
            while (at + arg.length < end && at[arg.length] != ',')
                arg.length++;
            arg.kind = !read_number(&arg) ? ARG_BAD : arg.wide ? ARG_WIDE : ARG_NUMBER;
            at += arg.length;
        }
        while (at < end && *at != ',')
            at++;
        if (args->count < ARG_MAX) args->at[args->count] = arg;
        args->count++;
        if (at == end) return;
        at++;
    }
}

bool arg_given(const args_t *args, size_t index)
{
    return index < args->count && index < ARG_MAX && args->at[index].kind != ARG_EMPTY;
}

/* For a command that reads its arguments itself: what is no number there is bad. */
void args_refuse_words(const modem_t *m, args_t *args)
{
    const bool hex = quirk(m, CIPMUX_QUIRK_HEX_NUMBERS) != 0;
    for (size_t i = 0; i < args->count && i < ARG_MAX; i++)
        if (args->at[i].kind == ARG_WIDE || (args->at[i].hex && !hex)) args->at[i].kind = ARG_BAD;
}

typedef struct {
    char    kind;
    bool    many;
    int32_t min, max;
} field_t;

static int32_t schema_number(const char **at)
{
    bool    negative = false;
    int32_t value = 0;
    if (**at == '-') {
        negative = true;
        ++*at;
    }
    for (; **at >= '0' && **at <= '9'; ++*at)
        value = value * 10 + (**at - '0');
    return negative ? -value : value;
}

static field_t next_field(const char **at)
{
    field_t field = { .kind = *(*at)++ };
    if (field.kind == 'L' || field.kind == 'A')
        field.max = field.kind == 'A' ? CIPMUX_LINKS : CIPMUX_LINKS - 1;
    else if (field.kind != '?' && field.kind != 'w') {
        field.min = schema_number(at);
        ++*at; /* ':' */
        field.max = schema_number(at);
    }
    field.many = **at == '*';
    if (field.many || **at == ' ') ++*at;
    return field;
}

static fault_kind_t check_one(const modem_t *m, const arg_t *arg, field_t field, bool optional)
{
    const bool text = field.kind == 's' || field.kind == 'S';
    const bool may_empty = field.kind == 'I' || field.kind == 'S' || (optional && m->family == FAMILY_ESP_AT);
    if (arg->kind == ARG_EMPTY) return may_empty ? FAULT_NONE : FAULT_COUNT;
    if (arg->kind == ARG_BAD || (arg->kind == ARG_WIDE && field.kind != 'w')) return FAULT_PARSE;
    if (text != (arg->kind == ARG_TEXT)) return FAULT_TYPE;
    if (text) return arg->length < field.min || arg->length > field.max ? FAULT_LENGTH : FAULT_NONE;
    if (field.kind == 'w') return FAULT_NONE;
    if (arg->hex && field.kind != 'x' && !quirk(m, CIPMUX_QUIRK_HEX_NUMBERS)) return FAULT_TYPE;
    return arg->number < field.min || arg->number > field.max ? FAULT_VALUE : FAULT_NONE;
}

fault_t args_check(const modem_t *m, args_t *args, const char *schema)
{
    bool    optional = false;
    uint8_t need = 0, index = 0;
    fault_t fault = { 0 };
    while (*schema != '\0') {
        const field_t field = next_field(&schema);
        if (field.kind == '?') {
            optional = true;
            continue;
        }
        if ((field.kind == 'L' || field.kind == 'A') && !m->mux) continue;
        if (!optional) need++;
        do {
            if (index < args->count && fault.kind == FAULT_NONE) {
                fault.kind = (uint8_t)check_one(m, &args->at[index], field, optional);
                fault.index = index;
            }
            index++;
        } while (field.many && index < args->count);
    }
    if (args->count < need || args->count > index) {
        fault.kind = FAULT_COUNT;
        fault.index = args->count < need ? args->count : index;
    }
    fault.need = need;
    fault.given = args->count;
    return fault;
}
