/* plain.h: a file that joblib wrote as a plain pickle, which pickle.loads reads, and back. Nothing is loaded, imported or called.
 *
 * The plain form is the file's own pickle, with each array inside it instead of between its opcodes (insert.h). The original of a
 * file that is compressed cannot be made from its pickle again: it follows behind the end of the plain form, where pickle.loads
 * does not look. Both directions work on pieces of any size, in bounded memory. One thread for each. See docs/formats.md. */
#ifndef SOURCE_PICKLE_PLAIN_H
#define SOURCE_PICKLE_PLAIN_H

#include "base/sink.h"
#include "machine.h"

typedef struct PlainWriter PlainWriter;

/* memory_limit, temp_dir: for an array of objects, whose size is known at its end only; spool.h. NULL and ERR_STOP without
 * memory. */
PlainWriter *plain_writer_new(size_t memory_limit, const char *temp_dir, Err *err);
void plain_writer_free(PlainWriter *writer);

/* original_follows: the caller sends the file itself to the same place, behind all that comes from here. notes: borrowed, or
 * NULL. */
void plain_writer_begin(PlainWriter *writer, bool original_follows, const PickleNotes *notes, SinkFn sink, void *ctx);

/* What joblib wrote, not compressed. ERR_SKIP: it has no plain form; the text says why. Else the sink's errors, ERR_STOP. */
bool plain_writer_add(PlainWriter *writer, const void *data, size_t len, Err *err);
bool plain_writer_end(PlainWriter *writer, Err *err);
bool plain_writer_changed(const PlainWriter *writer); /* what came out is not what went in */

typedef struct PlainReader PlainReader;

PlainReader *plain_reader_new(Err *err);
void plain_reader_free(PlainReader *reader);
void plain_reader_begin(PlainReader *reader, SinkFn sink, void *ctx); /* the sink gets the file */
bool plain_reader_add(PlainReader *reader, const void *data, size_t len, Err *err); /* ERR_SKIP: no plain form */
bool plain_reader_end(PlainReader *reader, Err *err);

#endif
