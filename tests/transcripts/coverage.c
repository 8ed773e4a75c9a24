/* Coverage of the matrix: see coverage.h. */
#include "coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char id[120], firmware[12], certainty[12];
    bool covered;
    bool wanted;
} row_t;

typedef struct {
    char   id[120], firmware[12]; /* firmware "": both */
    bool   except;
    size_t matches, covered;
} rule_t;

struct coverage {
    row_t  *row;
    size_t  rows;
    rule_t *rule;
    size_t  rules;
};

static void *grown(void *array, size_t n, size_t width)
{
    if ((n & (n - 1)) == 0) { /* at each power of two there is room for twice as many */
        array = realloc(array, (n == 0 ? 1 : n * 2) * width);
        if (array == NULL) {
            abort();
        }
    }
    return array;
}

/* Is `id` the prefix, or does it continue it behind a dot? With a star at its end: does it continue it at all? */
static bool belongs(const char *id, const char *prefix)
{
    size_t n = strlen(prefix);
    bool   any = n > 0 && prefix[n - 1] == '*';
    n -= any ? 1 : 0;
    return strncmp(id, prefix, n) == 0 && (any || id[n] == '\0' || id[n] == '.');
}

/* Column `index` of a line of tab separated values. */
static void column(const char *line, unsigned index, char *out, size_t size)
{
    for (; index > 0 && line != NULL; index--) {
        line = strchr(line, '\t');
        line += line != NULL ? 1 : 0;
    }
    size_t n = line == NULL ? 0 : strcspn(line, "\t\r\n");
    snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), line == NULL ? "" : line);
}

static bool read_matrix(coverage_t *coverage, const char *path)
{
    FILE *file = fopen(path, "r");
    char  line[8192];
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        if (file != NULL) {
            fclose(file);
        }
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        coverage->row = grown(coverage->row, coverage->rows, sizeof *coverage->row);
        row_t *row = &coverage->row[coverage->rows++];
        memset(row, 0, sizeof *row);
        column(line, 0, row->id, sizeof row->id);
        column(line, 1, row->firmware, sizeof row->firmware);
        column(line, 7, row->certainty, sizeof row->certainty);
    }
    fclose(file);
    return true;
}

/* One line of scope.txt. False: an exception without a reason. */
static bool read_rule(coverage_t *coverage, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
        return true;
    }
    bool  except = strncmp(line, "- ", 2) == 0;
    char *id = line + (except ? 2 : 0);
    char *end = id + strcspn(id, " \t");
    bool  reason = end[strspn(end, " \t")] != '\0';
    *end = '\0';
    char *at = strchr(id, '@');
    if (at != NULL) {
        *at++ = '\0';
    }
    coverage->rule = grown(coverage->rule, coverage->rules, sizeof *coverage->rule);
    rule_t *rule = &coverage->rule[coverage->rules++];
    memset(rule, 0, sizeof *rule);
    rule->except = except;
    snprintf(rule->id, sizeof rule->id, "%s", id);
    snprintf(rule->firmware, sizeof rule->firmware, "%s", at != NULL ? at : "");
    return reason == except;
}

static bool read_scope(coverage_t *coverage, const char *path, char *error, size_t size)
{
    FILE *file = fopen(path, "r");
    char  line[1024];
    bool  good = file != NULL;
    for (unsigned n = 1; good && fgets(line, sizeof line, file) != NULL; n++) {
        good = read_rule(coverage, line);
        if (!good) {
            snprintf(error, size, "%s:%u: expected ID, or - ID REASON", path, n);
        }
    }
    if (file != NULL) {
        fclose(file);
    } else {
        snprintf(error, size, "%s: cannot be read", path);
    }
    return good;
}

static void apply_rules(coverage_t *coverage)
{
    for (size_t r = 0; r < coverage->rules; r++) {
        rule_t *rule = &coverage->rule[r];
        for (size_t i = 0; i < coverage->rows; i++) {
            row_t *row = &coverage->row[i];
            if (belongs(row->id, rule->id) &&
                (rule->firmware[0] == '\0' || strcmp(rule->firmware, row->firmware) == 0)) {
                rule->matches++;
                row->wanted = !rule->except;
            }
        }
    }
}

coverage_t *coverage_load(const char *matrix, const char *scope, char *error, size_t size)
{
    coverage_t *coverage = calloc(1, sizeof *coverage);
    if (coverage == NULL) {
        abort();
    }
    bool good = read_matrix(coverage, matrix);
    if (!good) {
        snprintf(error, size, "%s: cannot be read", matrix);
    }
    if (!good || !read_scope(coverage, scope, error, size)) {
        coverage_free(coverage);
        return NULL;
    }
    apply_rules(coverage);
    return coverage;
}

void coverage_free(coverage_t *coverage)
{
    free(coverage->row);
    free(coverage->rule);
    free(coverage);
}

/* The matrix is about 1.7.6 and 2.3. */
static const char *firmware_of(const char *dialect)
{
    if (strcmp(dialect, "nonos-1.3") == 0) return "";
    return strncmp(dialect, "esp-at", 6) == 0 ? "esp-at" : "nonos";
}

bool coverage_knows(const coverage_t *coverage, const char *id, const word_list_t *dialects)
{
    for (size_t i = 0; i < coverage->rows; i++) {
        for (size_t d = 0; d < dialects->n && strcmp(coverage->row[i].id, id) == 0; d++) {
            if (strcmp(coverage->row[i].firmware, firmware_of(dialects->word[d])) == 0) {
                return true;
            }
        }
    }
    return false;
}

void coverage_add(coverage_t *coverage, const char *id, const char *dialect)
{
    const char *firmware = firmware_of(dialect);
    for (size_t i = 0; i < coverage->rows; i++) {
        row_t *row = &coverage->row[i];
        row->covered = row->covered || (strcmp(row->id, id) == 0 && strcmp(row->firmware, firmware) == 0);
    }
}

/* Exceptions that except nothing, or that a transcript covers. */
static size_t print_rules(const coverage_t *coverage)
{
    size_t wrong = 0;
    for (size_t r = 0; r < coverage->rules; r++) {
        const rule_t *rule = &coverage->rule[r];
        bool          stale = rule->matches == 0;
        for (size_t i = 0; rule->except && i < coverage->rows; i++) {
            const row_t *row = &coverage->row[i];
            stale = stale || (row->covered && strcmp(row->id, rule->id) == 0 &&
                              (rule->firmware[0] == '\0' || strcmp(rule->firmware, row->firmware) == 0));
        }
        if (stale) {
            printf("scope: %s%s is %s\n", rule->except ? "- " : "", rule->id,
                   rule->matches == 0 ? "no row of the matrix" : "covered after all");
            wrong++;
        }
    }
    return wrong;
}

size_t coverage_print(const coverage_t *coverage, size_t *wrong)
{
    size_t wanted = 0, covered = 0, beyond = 0;
    *wrong = print_rules(coverage);
    for (size_t i = 0; i < coverage->rows; i++) {
        const row_t *row = &coverage->row[i];
        wanted += row->wanted ? 1 : 0;
        covered += row->wanted && row->covered ? 1 : 0;
        beyond += !row->wanted && row->covered ? 1 : 0;
        if (row->wanted && !row->covered) {
            printf("missing: %s (%s, %s)\n", row->id, row->firmware, row->certainty);
        }
    }
    if (covered == wanted) {
        printf("missing: none\n");
    }
    printf("matrix: %zu of %zu rows in scope covered, %zu beyond it, %zu rows in all\n", covered, wanted, beyond,
           coverage->rows);
    return wanted - covered;
}
