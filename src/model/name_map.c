#define _GNU_SOURCE /* memrchr */
#include "model/name_map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/glob.h"
#include "base/strmap.h"
#include "base/text.h"
#include "base/userfile.h"
#include "base/vec.h"
#include "name.h"
#include "port/csvfile.h"
#include "store/store.h"

#define FIELD_BYTES_MAX ((size_t)64 * 1024)

enum Column { COLUMN_PATH, COLUMN_NAME, COLUMN_VERSION, COLUMN_MODEL_TYPE, COLUMN_EVENT, COLUMN_COUNT };

static const char *const column_names[COLUMN_COUNT] = {"path", "name", "version", "model_type", "event"};

typedef struct Glob {
    const char *pattern;
    uint32_t row;
} Glob;

struct NameMap {
    VEC(NameMapRow) rows;
    VEC(Glob) globs; /* of the rows whose path is one */
    bool *matched;   /* NULL, or for each row */
    StrMap literals; /* the paths without a glob, and their rows */
    Arena arena;
};

typedef struct Reading {
    NameMap *map;
    const char *file;
    int column_at[COLUMN_COUNT]; /* position in a row, -1 = not in this file */
    size_t columns;              /* of the header; 0 before it */
} Reading;

static bool bad_row(const Reading *reading, uint64_t row, const char *what, const char *value, const char *problem, Err *err)
{
    bool has_value = value[0] != '\0';
    return err_set(err, ERR_USAGE, "%s: row %llu: %s%s%.100s%s %s", reading->file, (unsigned long long)row, what,
                   has_value ? " \"" : "", value, has_value ? "\"" : "", problem);
}

static bool take_header(Reading *reading, char *const *fields, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t column = 0;
        const char *field = fields[i] != NULL ? fields[i] : "";
        while (column < COLUMN_COUNT && strcmp(field, column_names[column]) != 0)
            column++;
        if (column == COLUMN_COUNT) {
            bad_row(reading, 1, "column", field, "is not known", err);
            return err_hint(err, "the columns are path,name,version,model_type,event");
        }
        if (reading->column_at[column] >= 0)
            return bad_row(reading, 1, "column", field, "is there twice", err);
        reading->column_at[column] = (int)i;
    }
    if (reading->column_at[COLUMN_PATH] < 0) {
        bad_row(reading, 1, "the column path", "", "is missing", err);
        return err_hint(err, "the first row names the columns: path,name,version,model_type,event");
    }
    reading->columns = count;
    return true;
}

/* NULL for an empty field and for a column that the file does not have. */
static const char *field_of(const Reading *reading, char *const *fields, enum Column column)
{
    const char *field = reading->column_at[column] >= 0 ? fields[reading->column_at[column]] : NULL;
    return field != NULL && field[0] != '\0' ? field : NULL;
}

/* Copies a field that a column of the store must be able to hold. */
static bool take_text(Reading *reading, uint64_t row, char *const *fields, enum Column column, const char **out, Err *err)
{
    const char *field = field_of(reading, fields, column);
    *out = NULL;
    if (field == NULL)
        return true;
    size_t len = strlen(field);
    size_t max = column == COLUMN_MODEL_TYPE ? STORE_TYPE_MAX : STORE_NAME_MAX;
    const char *problem = column == COLUMN_NAME ? name_problem(field, len) : name_text_problem(field, len, max);
    if (problem != NULL)
        return bad_row(reading, row, column_names[column], field, problem, err);
    *out = arena_copy(&reading->map->arena, field, len, err);
    return *out != NULL;
}

static bool take_version(Reading *reading, uint64_t row, char *const *fields, int32_t *out, Err *err)
{
    const char *field = field_of(reading, fields, COLUMN_VERSION);
    int64_t value = VERSION_AUTO;
    if (field != NULL && !text_parse_int(field, 0, INT32_MAX, &value))
        return bad_row(reading, row, "version", field, "is not a whole number from 0 to 2147483647", err);
    *out = (int32_t)value;
    return true;
}

static NameMapRow *add_row(NameMap *map, Err *err)
{
    NameMapRow *row = vec_push(&map->rows, err);
    if (row != NULL)
        *row = (NameMapRow){.version = VERSION_AUTO};
    return row;
}

static bool index_path(NameMap *map, const char *path, Err *err)
{
    uint32_t number = (uint32_t)map->rows.count - 1;
    const char *copy = arena_copy(&map->arena, path, strlen(path), err);
    if (copy == NULL)
        return false;
    map->rows.items[number].pattern = copy;
    if (strpbrk(copy, "*?[\\") == NULL)
        return strmap_add(&map->literals, copy, number, NULL, err);
    Glob *glob = vec_push(&map->globs, err);
    if (glob != NULL)
        *glob = (Glob){.pattern = copy, .row = number};
    return glob != NULL;
}

static bool take_row(void *ctx, uint64_t number, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    Reading *reading = ctx;
    for (size_t i = 0; i < count; i++)
        if (fields[i] != NULL && strlen(fields[i]) != lengths[i])
            return bad_row(reading, number, "a field", "", "holds a NUL", err);
    if (reading->columns == 0)
        return take_header(reading, fields, count, err);
    if (count != reading->columns)
        return bad_row(reading, number, "the number of fields", "", "is not that of the header", err);
    const char *path = field_of(reading, fields, COLUMN_PATH);
    if (path == NULL)
        return bad_row(reading, number, "path", "", "is empty", err);
    NameMapRow *row = add_row(reading->map, err);
    return row != NULL && index_path(reading->map, path, err) && take_text(reading, number, fields, COLUMN_NAME, &row->name, err) &&
           take_text(reading, number, fields, COLUMN_MODEL_TYPE, &row->model_type, err) &&
           take_text(reading, number, fields, COLUMN_EVENT, &row->event, err) &&
           take_version(reading, number, fields, &row->version, err);
}

bool name_map_read(const char *path, NameMap **out, Err *err)
{
    Reading reading = {.file = path, .column_at = {-1, -1, -1, -1, -1}};
    bool ok = false;
    Err problem = {0};
    int fd = userfile_open(path, err);
    if (fd < 0)
        return false;
    reading.map = calloc(1, sizeof *reading.map);
    if (reading.map == NULL) {
        err_no_memory(&problem);
        goto out;
    }
    if (!csvfile_read(fd, path, FIELD_BYTES_MAX, take_row, &reading, NULL, &problem))
        goto out;
    if (reading.columns == 0) {
        err_set(&problem, ERR_USAGE, "%s: row 1: the header is missing", path);
        err_hint(&problem, "the first row names the columns: path,name,version,model_type,event");
        goto out;
    }
    *out = reading.map;
    reading.map = NULL;
    (*out)->matched = calloc((*out)->rows.count + 1, sizeof *(*out)->matched);
    ok = (*out)->matched != NULL || err_no_memory(&problem);
out:
    if (!ok && err != NULL) {
        *err = problem;
        /* What is wrong with the file is the caller's to mend, be it CSV or a directory. */
        if (text_starts_with(err->text, path))
            err->cls = ERR_USAGE;
    }
    name_map_free(reading.map);
    close(fd);
    return ok;
}

void name_map_free(NameMap *map)
{
    if (map == NULL)
        return;
    free(map->rows.items);
    free(map->globs.items);
    free(map->matched);
    strmap_free(&map->literals);
    arena_free(&map->arena);
    free(map);
}

const NameMapRow *name_map_find(const NameMap *map, const char *path)
{
    /* As glob_path has it: a pattern without a slash is meant for the last component too. */
    const char *slash = strrchr(path, '/');
    uint32_t best = strmap_get(&map->literals, path);
    uint32_t by_component = slash != NULL ? strmap_get(&map->literals, slash + 1) : STRMAP_NONE;
    if (by_component < best)
        best = by_component;
    for (size_t i = 0; i < map->globs.count && map->globs.items[i].row < best; i++)
        if (glob_path(map->globs.items[i].pattern, path))
            best = map->globs.items[i].row;
    return best != STRMAP_NONE ? &map->rows.items[best] : NULL;
}

void name_map_mark(NameMap *map, const NameMapRow *row)
{
    map->matched[row - map->rows.items] = true;
}

const NameMapRow *name_map_unmatched(const NameMap *map, size_t *next)
{
    while (*next < map->rows.count) {
        size_t row = (*next)++;
        if (!map->matched[row])
            return &map->rows.items[row];
    }
    return NULL;
}

/* --- templates --------------------------------------------------------------------------------------------------------------- */

/* What the n-th star of the pattern stands for; each takes as little as it can. */
static bool capture(const char *pattern, const char *text, int number, const char **out, size_t *len)
{
    for (int star = 1; star <= number; star++) {
        /* Before the star: the shortest beginning of the text that the pattern up to it matches. */
        const char *at = strchr(pattern, '*');
        char before[512], part[4096];
        size_t taken = 0, text_len = strlen(text);
        if (at == NULL || (size_t)(at - pattern) >= sizeof before || text_len >= sizeof part)
            return false;
        memcpy(before, pattern, (size_t)(at - pattern));
        before[at - pattern] = '\0';
        for (;; taken++) {
            memcpy(part, text, taken);
            part[taken] = '\0';
            if (glob_match(before, part))
                break;
            if (taken == text_len)
                return false;
        }
        pattern = at + 1;
        text += taken;
        *out = text;
        for (*len = 0; !glob_match(pattern, text + *len); ++*len)
            if (text[*len] == '\0')
                return false;
        text += *len;
    }
    return true;
}

typedef struct Piece {
    const char *text;
    size_t len;
} Piece;

/* What stands for `{word}`; NULL: nothing does. */
static Piece piece_of(const NameMapRow *row, const char *path, size_t stem_len, const char *word, size_t len)
{
    const char *slash = memrchr(path, '/', stem_len), *last = slash != NULL ? slash + 1 : path;
    Piece piece = {0};
    if (len == 4 && memcmp(word, "stem", 4) == 0)
        return (Piece){.text = last, .len = stem_len - (size_t)(last - path)};
    if (len == 3 && memcmp(word, "dir", 3) == 0)
        return (Piece){.text = path, .len = slash != NULL ? (size_t)(slash - path) : 0};
    if (len == 3 && memcmp(word, "ext", 3) == 0)
        return (Piece){.text = path + stem_len + (path[stem_len] == '.'), .len = strlen(path + stem_len) - (path[stem_len] == '.')};
    if (len == 1 && word[0] >= '1' && word[0] <= '9') {
        const char *text = strchr(row->pattern, '/') == NULL ? strrchr(path, '/') : NULL;
        if (!capture(row->pattern, text != NULL ? text + 1 : path, word[0] - '0', &piece.text, &piece.len))
            return (Piece){.text = "", .len = 0};
    }
    return piece;
}

bool name_map_expand(const NameMapRow *row, const char *path, size_t stem_len, char *out, size_t cap)
{
    size_t used = 0;
    for (const char *c = row->name; *c != '\0';) {
        const char *close = *c == '{' ? strchr(c, '}') : NULL;
        Piece piece = {0};
        if (close != NULL)
            piece = piece_of(row, path, stem_len, c + 1, (size_t)(close - c) - 1);
        if (piece.text != NULL) {
            c = close + 1;
            c += piece.len == 0 && *c == '/';
        } else {
            piece = (Piece){.text = c++, .len = 1};
        }
        if (piece.len >= cap - used)
            return false;
        memcpy(out + used, piece.text, piece.len);
        used += piece.len;
    }
    out[used] = '\0';
    return true;
}
