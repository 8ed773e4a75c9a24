/* What two modules never have in common: the text of a transcript with masks in place of addresses, ports, signal strengths
 * and times in its `<` lines. So transcripts are played to modules. */
#ifndef HOST_LENIENT_H
#define HOST_LENIENT_H

#include "transcript.h"

/* A new text from malloc(). NULL: no memory. */
char *lenient_text(const char *text);
/* The text of a file, from malloc(). NULL: it cannot be read. */
char *lenient_file(const char *path);
/* A transcript of this text, which it takes; NULL: there is none. `path` is for the errors. NULL: `error` says why. */
transcript_t *lenient_read(const char *path, char *text, char *error, size_t size);
transcript_t *lenient_open(const char *path, char *error, size_t size);
/* The first step that would write the module's flash by the name of its command. NULL: none. */
const step_t *lenient_writes_flash(const transcript_t *transcript);

#endif
