/* Fuzz target of the reader of transcripts: any bytes as a file. It is read, or an error says in which line why not; what is
 * read is short enough to be played. */
#include "promise.h"
#include "transcript.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char  error[300] = "";
    char *text = malloc(size + 1);
    PROMISE(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    transcript_t *transcript = transcript_read("input", text, NULL, error, sizeof error);
    if (transcript == NULL) {
        PROMISE(strncmp(error, "input", 5) == 0);
        return 0;
    }
    PROMISE(error[0] == '\0' && transcript->steps > 0 && transcript->dialects.n > 0);
    for (size_t i = 0; i < transcript->steps; i++) {
        const step_t *step = &transcript->step[i];
        uint8_t       sum = 0;
        for (size_t k = 0; k < step->n; k++)
            sum = (uint8_t)(sum + step->bytes[k]);
        for (size_t k = 0; k < step->tokens; k++)
            PROMISE(transcript->token[step->token + k].line <= 1000000 || sum == 0);
        PROMISE(step->token + step->tokens <= transcript->tokens);
    }
    transcript_free(transcript);
    return 0;
}
