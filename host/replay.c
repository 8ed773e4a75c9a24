/* The host's side of a transcript against a module. See replay.h. */
#include "replay.h"

#include "lenient.h"
#include "playback.h"
#include "program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 20000, SETTLE_MS = 20 };

/* ---- A play ------------------------------------------------------------------------------------------------------ */

/* This program again, as the modem of the file. */
static bool start_own(module_t *module, const transcript_t *transcript)
{
    enum { OPTIONS = 64, LENGTH = 128 };
    static char option[OPTIONS][LENGTH];
    const char *argv[OPTIONS + 1] = { NULL };
    size_t      n = 0;
    snprintf(option[n++], LENGTH, "--net=local");
    snprintf(option[n++], LENGTH, "--dialect=%s", transcript->dialects.word[0]);
    if (transcript->scenario) snprintf(option[n++], LENGTH, "--fault=%s", transcript->scenario_name);
    for (size_t i = 0; i < transcript->timing.n && n < OPTIONS; i++)
        snprintf(option[n++], LENGTH, "--timing=%s", transcript->timing.word[i]);
    for (size_t i = 0; i < transcript->quirks.n && n < OPTIONS; i++)
        snprintf(option[n++], LENGTH, "--quirk=%s", transcript->quirks.word[i]);
    for (size_t i = 0; i < n; i++)
        argv[i] = option[i];
    return module_start(module, argv);
}

/* The lines of a scenario were said when our own modem began. */
static bool say_own(void *context, const char *words, char *error, size_t size)
{
    const transcript_t *transcript = context;
    (void)error, (void)size;
    return transcript->scenario && words >= transcript->scenario && words < transcript->scenario_end;
}

static int play_file(const char *path, const char *where, bool flash)
{
    char          error[512];
    module_t      module;
    unsigned      line;
    transcript_t *transcript = lenient_open(path, error, sizeof error);
    if (!transcript) return fprintf(stderr, "%s\n", error), EXIT_FILE;
    playback_options_t options = { .report = stdout,
                                   .saves = flash || !where,
                                   .settle_ms = SETTLE_MS,
                                   .answer_ms = ANSWER_MS,
                                   .context = transcript };
    const step_t      *writes = options.saves ? NULL : lenient_writes_flash(transcript);
    int                status = EXIT_USAGE;
    if (!where) options.world = say_own;
    if (writes)
        fprintf(stderr, "%s:%u: this writes the module's flash: only with --allow-flash\n", path, writes->line);
    else if (!(where ? module_open(&module, where) : start_own(&module, transcript)))
        fprintf(stderr, "cipmux: %s: %s\n", where ? where : "own modem", strerror(errno));
    else {
        const bool same = playback(&module, transcript, &options, &line);
        if (same) printf("%s: the same\n", path);
        status = same ? EXIT_DONE : EXIT_DIFFERS;
        module_close(&module);
    }
    transcript_free(transcript);
    return status;
}

int replay_main(int argc, char **argv)
{
    const char *path = NULL, *where = NULL;
    bool        flash = false, good = true;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--module=", 9) == 0)
            where = argv[i] + 9;
        else if (strcmp(argv[i], "--allow-flash") == 0)
            flash = true;
        else if (argv[i][0] == '-' || path)
            good = false;
        else
            path = argv[i];
    }
    if (good && path) return play_file(path, where, flash);
    fprintf(stderr, "usage: cipmux replay FILE [--module=" MODULE_WHERE "] [--allow-flash]\n");
    return EXIT_USAGE;
}
