#include "line.h"

#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "base/userfile.h"

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static void add_digest(JsonLine *line, const char *key, const Digest *digest)
{
    char hex[2 * DIGEST_BYTES + 1];
    bool known = digest != NULL && digest_is_known(digest);
    if (known)
        digest_hex(digest, hex);
    json_line_string(line, key, known ? hex : NULL);
}

ModelLine model_line_of_row(const StoredModel *row)
{
    if (row == NULL)
        return (ModelLine){.version = VERSION_AUTO};
    return (ModelLine){.name = row->name,
                       .version = row->version,
                       .model_type = row->model_type,
                       .event = row->event,
                       .raw_bytes = row->raw_bytes,
                       .stored_bytes = row->stored_bytes,
                       .content = &row->content};
}

JsonLine *model_line_begin(const ModelLine *model)
{
    JsonLine *line = json_line_begin("model");
    json_line_string(line, "status", model->status);
    json_line_string(line, "path", model->path);
    json_line_string(line, "name", model->name);
    if (model->version >= 0)
        json_line_int(line, "version", model->version);
    else
        json_line_string(line, "version", NULL);
    json_line_string(line, "model_type", or_null(model->model_type));
    json_line_string(line, "event", or_null(model->event));
    json_line_string(line, "reason", model->reason);
    json_line_int(line, "raw_bytes", (int64_t)model->raw_bytes);
    if (model->stored_bytes > 0)
        json_line_int(line, "stored_bytes", (int64_t)model->stored_bytes);
    else
        json_line_string(line, "stored_bytes", NULL);
    add_digest(line, "content_sha256", model->content);
    return line;
}

void json_add_time(JsonLine *line, const char *key, int64_t real_ns)
{
    char iso[25];
    if (real_ns != 0)
        clock_iso(iso, real_ns);
    json_line_string(line, key, real_ns != 0 ? iso : NULL);
}

void json_add_row(JsonLine *line, const StoredModel *row)
{
    add_digest(line, "stored_sha256", row != NULL ? &row->stored : NULL);
    json_add_time(line, "created_at", row != NULL ? row->created_ns : 0);
    json_line_string(line, "run_id", row != NULL ? or_null(row->run_id) : NULL);
}

JsonLine *summary_begin(const Lines *lines)
{
    JsonLine *line = json_line_begin("summary");
    json_line_string(line, "command", lines->command);
    json_line_string(line, "store", lines->store);
    return line;
}

bool line_end(JsonLine *line, const Lines *lines, Err *err)
{
    if (lines_ready(lines, err))
        return json_line_end(line, lines->out, err);
    json_line_drop(line);
    return false;
}

void left_out_keys(JsonLine *line, const LeftOut *left_out)
{
    json_line_int(line, "left_out", (int64_t)left_out->files);
    json_line_int(line, "hidden", (int64_t)left_out->hidden);
    json_line_int(line, "excluded", (int64_t)left_out->excluded);
}

bool summary_end(JsonLine *line, const Lines *lines, int exit_code, Err *err)
{
    if (lines->left_out != NULL)
        left_out_keys(line, lines->left_out);
    json_line_int(line, "exit_code", exit_code);
    return line_end(line, lines, err);
}

void print_escaped(FILE *out, const char *text)
{
    char shown[4096];
    text_escape(shown, sizeof shown, text, strlen(text));
    fputs(shown, out);
}

void print_key(FILE *out, const char *name, int32_t version)
{
    if (name != NULL)
        print_escaped(out, name);
    if (version >= 0)
        fprintf(out, "@%d", (int)version);
}

bool lines_ready(const Lines *lines, Err *err)
{
    if (isatty(fileno(lines->out)) != 0)
        log_hide_progress();
    if (userfile_is_ready(fileno(lines->out), lines->signalled))
        return true;
    __fpurge(lines->out);
    return interrupt_check(err);
}

bool lines_written(const Lines *lines, Err *err)
{
    errno = 0;
    if (fflush(lines->out) == 0 && !ferror(lines->out))
        return true;
    return errno != 0 ? err_set_errno(err, ERR_STOP, errno, "cannot write to standard output")
                      : err_set(err, ERR_STOP, "cannot write to standard output");
}
