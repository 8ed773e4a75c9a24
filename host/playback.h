/* Plays the host's side of a transcript to a module, in real time, and compares what comes with its `<` lines. */
#ifndef HOST_PLAYBACK_H
#define HOST_PLAYBACK_H

#include "module.h"
#include "transcript.h"

#include <stdio.h>

typedef struct {
    FILE *report; /* where it differs, and which lines are skipped; NULL: nothing is printed */
    bool  begun;  /* the module is in the state of the transcript's `# start:`, but for ATE */
    bool  saves;  /* what is set may go into the module's flash */
    uint32_t
        settle_ms; /* what still comes behind an answer, such as the prompt behind its OK, comes within that time */
    uint32_t answer_ms; /* the longest wait for what is expected */
    /* Says a line about the world. False: it can not, and `error` says why: that line is skipped, or with `strict` it
     * differs. NULL: a module has no world. */
    bool (*world)(void *context, const char *words, char *error, size_t size);
    void *context;
    bool  strict;
} playback_options_t;

/* True: the same. False: it differs at *line, and module->got is what came and was not expected. */
bool playback(module_t *module, const transcript_t *transcript, const playback_options_t *options, unsigned *line);
/* Types a line and waits for its OK, the prompt or `ready`; what came is dropped. False: it did not end so; module->got. */
bool playback_prepare(module_t *module, const void *bytes, size_t n, const playback_options_t *options);

#endif
