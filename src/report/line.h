/* line.h: the parts that the lines of all commands are made of. Private to report/. */
#ifndef REPORT_LINE_H
#define REPORT_LINE_H

#include "port/json.h"
#include "report/lines.h"

/* What every `model` line says, in this order and whether it is known or not. NULL, and a negative version, are null in JSON. */
typedef struct ModelLine {
    const char *status;
    const char *path, *name;
    int32_t version;
    const char *model_type, *event; /* "" is null, too */
    const char *reason;
    uint64_t raw_bytes;
    uint64_t stored_bytes; /* 0 = null */
    const Digest *content;
} ModelLine;

/* With what a row says of itself; NULL: nothing. */
ModelLine model_line_of_row(const StoredModel *row);

JsonLine *model_line_begin(const ModelLine *line);

/* stored_sha256, created_at, run_id; null without a row. */
void json_add_row(JsonLine *line, const StoredModel *row);

/* 2026-03-01T12:00:00.123Z; 0 is null. */
void json_add_time(JsonLine *line, const char *key, int64_t real_ns);

/* The line of an item of an inventory, in check, cleanup and the report in JSON. */
JsonLine *item_line_begin(const Inventory *inventory, const InventoryItem *item);

JsonLine *summary_begin(const Lines *lines);

/* Prints the line when its reader is ready, and frees it. */
bool line_end(JsonLine *line, const Lines *lines, Err *err);

/* left_out, hidden and excluded: how much of a tree was passed over. */
void left_out_keys(JsonLine *line, const LeftOut *left_out);

/* exit_code, the last key, and the end of the line. */
bool summary_end(JsonLine *line, const Lines *lines, int exit_code, Err *err);

/* lines_left_out.c. Text: one line for each way of passing over, in the columns of a run's counts or in a row. JSON: a line for
 * each kind. Nothing where lines->left_out is NULL. */
bool left_out_lines(const Lines *lines, bool in_columns, Err *err);
bool left_out_paths(const Lines *lines, Err *err); /* only when verbose */
bool left_out_json(const Lines *lines, Err *err);

/* The text of hostile data, escaped. */
void print_escaped(FILE *out, const char *text);

/* "name@3", "name" without a version; NULL: nothing. */
void print_key(FILE *out, const char *name, int32_t version);

/* Waits until the reader of `lines->out` takes more; before each line. ERR_INTERRUPTED soon after a signal that came since this
 * command began to answer; what is in the buffer is dropped then, so that the program can end. */
bool lines_ready(const Lines *lines, Err *err);

/* What was printed has left the buffer. */
bool lines_written(const Lines *lines, Err *err);

#endif
