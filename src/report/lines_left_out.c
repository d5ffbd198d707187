/* lines_left_out.c: what a scan passed over, at the end of every command that looks at a tree. */
#include <string.h>

#include "line.h"

bool left_out_text(const LeftOut *left_out, Buf *out, Err *err)
{
    uint64_t other = 0;
    size_t shown = 0;
    for (size_t i = 0; i < left_out->kinds.count; i++) {
        const LeftOutKind *kind = &left_out->kinds.items[i];
        if (shown == 5 || strcmp(kind->pattern, "other") == 0) {
            other += kind->count;
            continue;
        }
        if (!buf_format(out, err, "%s%s %llu", shown > 0 ? ", " : "", kind->pattern, (unsigned long long)kind->count))
            return false;
        shown++;
    }
    return other == 0 || buf_format(out, err, "%sother %llu", shown > 0 ? ", " : "", (unsigned long long)other);
}

bool left_out_json(const Lines *lines, Err *err)
{
    const LeftOut *left_out = lines->left_out;
    for (size_t i = 0; left_out != NULL && i < left_out->kinds.count; i++) {
        JsonLine *line = json_line_begin("left_out");
        json_line_string(line, "pattern", left_out->kinds.items[i].pattern);
        json_line_int(line, "count", (int64_t)left_out->kinds.items[i].count);
        if (!line_end(line, lines, err))
            return false;
    }
    return true;
}

/* label  count  text, as the counts of a run stand there, or in a row. */
static void label(const Lines *lines, const char *words, uint64_t count, bool in_columns)
{
    fprintf(lines->out, in_columns ? "  %-10s %8llu  " : "%s  %llu ", words, (unsigned long long)count);
}

static void hidden_text(const Lines *lines, bool in_columns)
{
    const LeftOut *left_out = lines->left_out;
    if (left_out->hidden == 0)
        return;
    label(lines, "hidden", left_out->hidden, in_columns);
    fputs(in_columns ? "" : "not looked at, not stored: ", lines->out);
    for (size_t i = 0; i < LEFT_OUT_EXAMPLES && i < left_out->hidden; i++) {
        fputs(i > 0 ? ", " : "", lines->out);
        print_escaped(lines->out, left_out->hidden_examples[i]);
    }
    fprintf(lines->out, "%s%s%s\n", left_out->hidden > LEFT_OUT_EXAMPLES ? " …" : "", lines->take_hidden != NULL ? "; " : "",
            lines->take_hidden != NULL ? lines->take_hidden : "");
}

bool left_out_lines(const Lines *lines, bool in_columns, Err *err)
{
    const LeftOut *left_out = lines->left_out;
    Buf kinds = {0};
    if (left_out == NULL)
        return true;
    if (left_out->files > 0) {
        if (!left_out_text(left_out, &kinds, err)) {
            buf_free(&kinds);
            return false;
        }
        label(lines, "left out", left_out->files, in_columns);
        const char *plural = left_out->files > 1 ? "s" : "", *not_stored = in_columns ? "" : ", not stored";
        fprintf(lines->out, "file%s%s: %.*s%s%s\n", plural, not_stored, (int)kinds.len, kinds.data,
                lines->take_left_out[0] != '\0' ? "; " : "", lines->take_left_out);
        buf_free(&kinds);
    }
    hidden_text(lines, in_columns);
    if (left_out->excluded > 0) {
        label(lines, "excluded", left_out->excluded, in_columns);
        fputs(in_columns ? "passed over by your own selection\n" : "passed over by your own selection, not compared\n", lines->out);
    }
    return true;
}

bool left_out_paths(const Lines *lines, Err *err)
{
    for (size_t i = 0; lines->verbose && lines->left_out != NULL && i < lines->left_out->paths.count; i++) {
        if (!lines_ready(lines, err))
            return false;
        fputs("left out   ", lines->out);
        print_escaped(lines->out, lines->left_out->paths.items[i]);
        fputc('\n', lines->out);
    }
    return true;
}
