#include "report/revision_lines.h"

#include <stdio.h>

#include "line.h"

static JsonLine *json_begin(const RevisionLine *revision)
{
    JsonLine *line = json_line_begin("revision");
    json_line_string(line, "revision", revision->id);
    json_line_string(line, "down_revision", revision->down[0] != '\0' ? revision->down : NULL);
    json_line_string(line, "message", revision->message);
    json_line_string(line, "file", revision->file);
    json_line_bool(line, "head", revision->is_head);
    return line;
}

bool lines_head(const Lines *lines, const RevisionLine *revision, Err *err)
{
    if (lines->json)
        return line_end(json_begin(revision), lines, err);
    fprintf(lines->out, "%s (head)\n", revision->id);
    return lines_written(lines, err);
}

bool lines_history(const Lines *lines, const RevisionLine *revision, Err *err)
{
    if (!lines_ready(lines, err))
        return false;
    if (lines->json)
        return line_end(json_begin(revision), lines, err);
    fprintf(lines->out, "%s -> %s%s%s%s, ", revision->down[0] != '\0' ? revision->down : "<base>", revision->id,
            revision->is_branchpoint ? " (branchpoint)" : "", revision->is_mergepoint ? " (mergepoint)" : "",
            revision->is_head ? " (head)" : "");
    print_escaped(lines->out, revision->message);
    if (lines->verbose) {
        fputs("  ", lines->out);
        print_escaped(lines->out, revision->file);
    }
    fputc('\n', lines->out);
    return lines_written(lines, err);
}

bool lines_revision_text(const Lines *lines, const RevisionLine *revision, const char *text, Err *err)
{
    if (lines->json) {
        JsonLine *line = json_begin(revision);
        json_line_string(line, "text", text);
        return line_end(line, lines, err);
    }
    fputs(text, lines->out);
    return lines_written(lines, err);
}

bool lines_new_file(const Lines *lines, const char *path, Err *err)
{
    if (lines->json) {
        JsonLine *line = json_line_begin("file");
        json_line_string(line, "path", path);
        return line_end(line, lines, err);
    }
    fprintf(lines->out, "%s\n", path);
    return lines_written(lines, err);
}

bool lines_step(const Lines *lines, const char *verb, const char *id, const char *slug, Err *err)
{
    if (lines->json) {
        JsonLine *line = json_line_begin(verb);
        json_line_string(line, "revision", id);
        json_line_string(line, "slug", slug);
        return line_end(line, lines, err);
    }
    if (!lines->quiet) {
        fprintf(lines->out, "%s %s (", verb, id);
        print_escaped(lines->out, slug);
        fputs(")\n", lines->out);
    }
    return lines_written(lines, err);
}

bool lines_nothing(const Lines *lines, bool at_head, Err *err)
{
    if (!lines->json && !lines->quiet)
        fputs(at_head ? "nothing to do: the schema is at head\n" : "nothing to do\n", lines->out);
    return lines_written(lines, err);
}

bool lines_state(const Lines *lines, const char *state, const char *id, const char *message, const char *file, Err *err)
{
    if (lines->json) {
        JsonLine *line = json_line_begin("state");
        json_line_string(line, "state", state);
        json_line_string(line, "revision", id);
        json_line_string(line, "message", message);
        json_line_string(line, "file", file[0] != '\0' ? file : NULL);
        return line_end(line, lines, err);
    }
    fprintf(lines->out, "%-8s %s  ", state, id);
    print_escaped(lines->out, message);
    fputs(file[0] != '\0' ? "  " : "", lines->out);
    print_escaped(lines->out, file);
    fputc('\n', lines->out);
    return lines_written(lines, err);
}
