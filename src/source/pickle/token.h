/* token.h: cuts the bytes of a pickle into opcodes with their arguments (protocols 0 to 5, as Python's pickletools lists them).
 *
 * Bytes may come in pieces of any size; the same bytes give the same tokens. Nothing is executed, and nothing is kept but the
 * token in hand. One thread. */
#ifndef SOURCE_PICKLE_TOKEN_H
#define SOURCE_PICKLE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_TEXT_MAX 255 /* bytes of a text that are kept */

typedef enum TokenPhase { TOKEN_OPCODE, TOKEN_NUMBER, TOKEN_COUNTED, TOKEN_LINE } TokenPhase;

/* Zero-initialise. What is below `phase` is valid when token_take has said TOKEN_WHOLE. */
typedef struct Token {
    TokenPhase phase;
    unsigned width, have; /* bytes of the number; lines of the argument while phase is TOKEN_LINE */
    uint64_t left;        /* bytes of a counted argument that are still to come */

    unsigned char opcode;
    uint64_t number;     /* a fixed argument, little-endian; the length of a counted one */
    uint64_t text_len[2]; /* of the counted argument, or of the lines; text has all of it if <= TOKEN_TEXT_MAX */
    char text[2][TOKEN_TEXT_MAX + 1]; /* not ended by NUL */
} Token;

typedef enum TokenState {
    TOKEN_PART,   /* all bytes are used, the token is not complete */
    TOKEN_WHOLE,
    TOKEN_UNKNOWN /* no opcode of Python's */
} TokenState;

/* Uses bytes from *at up to `end`, and moves *at behind what it used. */
TokenState token_take(Token *token, const unsigned char **at, const unsigned char *end);

#endif
