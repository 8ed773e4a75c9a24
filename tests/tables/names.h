/* The names of what the engine's tables hold, for diagrams and messages. */
#ifndef NAMES_H
#define NAMES_H

#include "internal.h"

extern const char *const link_state_names[LINK_STATE_COUNT];
extern const char *const link_event_names[LINK_EVENT_COUNT];
extern const char *const link_effect_names[EFFECT_COUNT];
extern const char *const sender_state_names[SENDER_STATE_COUNT];
extern const char *const sender_event_names[SEND_EVENT_COUNT];
extern const char *const sender_effect_names[SENDER_EFFECT_COUNT];
extern const char *const wait_names[WAIT_COUNT];
extern const char *const outcome_names[OUTCOME_COUNT];
extern const char *const verdict_names[5];
extern const char *const receiver_names[RECEIVER_COUNT];
extern const char *const receive_event_names[RECEIVE_EVENT_COUNT];
extern const char *const receive_effect_names[RECEIVE_EFFECT_COUNT];
extern const char *const text_names[TEXT_COUNT];
extern const char *const number_names[NUMBER_COUNT];
extern const char *const family_names[FAMILY_COUNT];

/* "nonos-1.3.text.GMR", "nonos-1.3.command.+UART" */
void difference_name(const difference_t *difference, char *out, size_t size);
/* False: a command that this dialect lacks, and that nobody has yet. */
bool difference_is_there(const difference_t *difference);

#endif
