#include "payload.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/text.h"

#define PIECE_BYTES ((size_t)64 * 1024)

struct BackupDecoder {
    Sha256 *sha;
    char hex[2 * PIECE_BYTES];
    unsigned char bytes[PIECE_BYTES];
};

BackupDecoder *backup_decoder_new(Err *err)
{
    BackupDecoder *decoder = malloc(sizeof *decoder);
    if (decoder == NULL) {
        err_no_memory(err);
        return NULL;
    }
    decoder->sha = sha256_new(err);
    if (decoder->sha == NULL) {
        free(decoder);
        return NULL;
    }
    return decoder;
}

void backup_decoder_free(BackupDecoder *decoder)
{
    if (decoder == NULL)
        return;
    sha256_free(decoder->sha);
    free(decoder);
}

bool backup_decode(BackupDecoder *decoder, int fd, const char *path, const BackupPayload *payload, Spool *spool, Sha256 *whole,
                   bool *proven, Err *err)
{
    Digest digest;
    *proven = false;
    if (!sha256_reset(decoder->sha, err))
        return false;
    for (uint64_t done = 0; done < payload->bytes;) {
        if (!interrupt_check(err))
            return false;
        uint64_t left = payload->bytes - done;
        size_t take = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        ssize_t got = fs_read_at(fd, decoder->hex, 2 * take, payload->offset + 2 * done);
        if (got < 0)
            return err_set_errno(err, ERR_STOP, errno, "%s", path);
        if ((size_t)got != 2 * take || !text_unhex(decoder->bytes, take, decoder->hex))
            return true;
        if (!sha256_add(decoder->sha, decoder->bytes, take, err) ||
            (whole != NULL && !sha256_add(whole, decoder->bytes, take, err)) ||
            (spool != NULL && !spool_write(spool, decoder->bytes, take, err)))
            return false;
        done += take;
    }
    if (!sha256_end(decoder->sha, &digest, err))
        return false;
    *proven = digest_equal(&digest, &payload->sha256);
    return true;
}
