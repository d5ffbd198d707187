#include "version.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NAME_BYTES 4096 /* an adopted table may have names of any length; such a long one is none of ours */

uint32_t postgres_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool take_digest(const PostgresField *field, Digest *out)
{
    if (field->len != DIGEST_BYTES)
        return false;
    memcpy(out->byte, field->data, DIGEST_BYTES);
    return true;
}

/* "" for NULL, and for what is too long to be a path of ours. */
static void take_text(const PostgresField *field, char out[NAME_BYTES + 1])
{
    size_t len = field->len > 0 && field->len <= NAME_BYTES ? (size_t)field->len : 0;
    if (len > 0)
        memcpy(out, field->data, len);
    out[len] = '\0';
}

bool postgres_version(const Postgres *pg, const PostgresField *fields, StoreVersionFn fn, void *ctx, Err *err)
{
    char name[NAME_BYTES + 1], source[NAME_BYTES + 1];
    StoreVersion row = {.name = name, .source_path = source};
    if (fields[0].len < 0 || fields[1].len != 4)
        return err_set(err, ERR_STOP, "%s: unexpected column types in models", store_target_label(pg->base.target));
    if (fields[0].len > NAME_BYTES || !text_utf8_valid((const char *)fields[0].data, (size_t)fields[0].len))
        return true;
    take_text(&fields[0], name);
    take_text(&fields[6], source);
    row.version = (int32_t)postgres_u32(fields[1].data);
    row.is_unhashed = !take_digest(&fields[2], &row.content);
    row.has_format = fields[4].len == 1;
    row.is_tar = row.has_format && fields[4].data[0] != 0;
    row.has_members = take_digest(&fields[5], &row.members);
    const unsigned char *id = fields[3].data;
    if (fields[3].len == 16)
        snprintf(row.run_id, sizeof row.run_id, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
                 id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
    return fn(ctx, &row, err);
}
