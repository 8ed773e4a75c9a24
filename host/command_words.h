/* What a person wants to know of a command beside what the engine's table says: what it is for, and what its arguments
 * are called and mean. */
#ifndef HOST_COMMAND_WORDS_H
#define HOST_COMMAND_WORDS_H

enum { COMMAND_LINES = 3, COMMAND_ARGUMENTS = 10 };

typedef struct {
    const char *name; /* without _CUR and _DEF: they share the row */
    const char *does;
    const char *line[COMMAND_LINES];         /* a command that reads its arguments itself: the set form, behind "=" */
    const char *argument[COMMAND_ARGUMENTS]; /* "name|what it means", in the order of cipmux_command_t.arguments without
                                              * the link */
    const char *esp_at[COMMAND_ARGUMENTS];   /* where esp-at has others, or another order */
} command_words_t;

/* Row of a command, "+CWMODE_CUR". NULL: nobody wrote one. */
const command_words_t *command_words(const char *name);

#endif
