#include "token.h"

#include <string.h>

/* What follows an opcode. */
typedef enum ArgumentKind {
    NOT_AN_OPCODE,
    NO_ARGUMENT,
    FIXED,  /* a number of `width` bytes */
    COUNTED, /* a number of `width` bytes, and so many bytes behind it */
    LINES    /* `width` lines of text */
} ArgumentKind;

typedef struct Argument {
    uint8_t kind, width;
} Argument;

#define NONE {NO_ARGUMENT, 0}

static const Argument arguments[256] = {
    ['('] = NONE,          ['.'] = NONE,          ['0'] = NONE,          ['1'] = NONE,          ['2'] = NONE,
    ['N'] = NONE,          ['Q'] = NONE,          ['R'] = NONE,          ['a'] = NONE,          ['b'] = NONE,
    ['d'] = NONE,          ['}'] = NONE,          ['e'] = NONE,          ['l'] = NONE,          ['o'] = NONE,
    ['s'] = NONE,          ['t'] = NONE,          [')'] = NONE,          ['u'] = NONE,          [']'] = NONE,
    [0x81] = NONE,         [0x85] = NONE,         [0x86] = NONE,         [0x87] = NONE,         [0x88] = NONE,
    [0x89] = NONE,         [0x8f] = NONE,         [0x90] = NONE,         [0x91] = NONE,         [0x92] = NONE,
    [0x93] = NONE,         [0x94] = NONE,         [0x97] = NONE,         [0x98] = NONE,         ['F'] = {LINES, 1},
    ['I'] = {LINES, 1},    ['L'] = {LINES, 1},    ['P'] = {LINES, 1},    ['S'] = {LINES, 1},    ['V'] = {LINES, 1},
    ['g'] = {LINES, 1},    ['p'] = {LINES, 1},    ['c'] = {LINES, 2},    ['i'] = {LINES, 2},    ['K'] = {FIXED, 1},
    ['h'] = {FIXED, 1},    ['q'] = {FIXED, 1},    [0x80] = {FIXED, 1},   [0x82] = {FIXED, 1},   ['M'] = {FIXED, 2},
    [0x83] = {FIXED, 2},   ['J'] = {FIXED, 4},    ['j'] = {FIXED, 4},    ['r'] = {FIXED, 4},    [0x84] = {FIXED, 4},
    ['G'] = {FIXED, 8},    [0x95] = {FIXED, 8},   ['U'] = {COUNTED, 1},  ['C'] = {COUNTED, 1},  [0x8c] = {COUNTED, 1},
    [0x8a] = {COUNTED, 1}, ['T'] = {COUNTED, 4},  ['X'] = {COUNTED, 4},  ['B'] = {COUNTED, 4},  [0x8b] = {COUNTED, 4},
    [0x8d] = {COUNTED, 8}, [0x8e] = {COUNTED, 8}, [0x96] = {COUNTED, 8},
};

static TokenState whole(Token *token)
{
    token->phase = TOKEN_OPCODE;
    return TOKEN_WHOLE;
}

/* The next phase of a token whose opcode was just read. */
static TokenState begin(Token *token, unsigned char opcode)
{
    const Argument *argument = &arguments[opcode];
    token->opcode = opcode;
    token->width = argument->width;
    token->have = 0;
    token->number = 0;
    token->text_len[0] = token->text_len[1] = 0;
    switch ((ArgumentKind)argument->kind) {
    case NOT_AN_OPCODE: return TOKEN_UNKNOWN;
    case NO_ARGUMENT: return whole(token);
    case LINES: token->phase = TOKEN_LINE; break;
    case FIXED:
    case COUNTED: token->phase = TOKEN_NUMBER; break;
    }
    return TOKEN_PART;
}

static TokenState take_number(Token *token, const unsigned char **at, const unsigned char *end)
{
    for (; token->have < token->width; token->have++) {
        if (*at == end)
            return TOKEN_PART;
        token->number |= (uint64_t)*(*at)++ << 8 * token->have;
    }
    if (arguments[token->opcode].kind == FIXED)
        return whole(token);
    token->phase = TOKEN_COUNTED;
    token->left = token->number;
    return TOKEN_PART;
}

/* Adds to a text what there is room for. */
static void keep(Token *token, unsigned line, const unsigned char *bytes, size_t len)
{
    uint64_t had = token->text_len[line];
    if (had < TOKEN_TEXT_MAX)
        memcpy(token->text[line] + had, bytes, len < TOKEN_TEXT_MAX - had ? len : (size_t)(TOKEN_TEXT_MAX - had));
    token->text_len[line] += len;
}

static TokenState take_counted(Token *token, const unsigned char **at, const unsigned char *end)
{
    size_t len = (uint64_t)(end - *at) < token->left ? (size_t)(end - *at) : (size_t)token->left;
    keep(token, 0, *at, len);
    *at += len;
    token->left -= len;
    return token->left == 0 ? whole(token) : TOKEN_PART;
}

static TokenState take_line(Token *token, const unsigned char **at, const unsigned char *end)
{
    while (token->have < token->width) {
        if (*at == end)
            return TOKEN_PART;
        const unsigned char *newline = memchr(*at, '\n', (size_t)(end - *at));
        const unsigned char *stop = newline != NULL ? newline : end;
        keep(token, token->have, *at, (size_t)(stop - *at));
        *at = newline != NULL ? newline + 1 : end;
        token->have += newline != NULL;
    }
    return whole(token);
}

TokenState token_take(Token *token, const unsigned char **at, const unsigned char *end)
{
    TokenState state = TOKEN_PART;
    if (token->phase == TOKEN_OPCODE) {
        if (*at == end)
            return TOKEN_PART;
        state = begin(token, *(*at)++);
    }
    if (state == TOKEN_PART && token->phase == TOKEN_NUMBER)
        state = take_number(token, at, end);
    if (state == TOKEN_PART && token->phase == TOKEN_COUNTED)
        state = take_counted(token, at, end);
    else if (state == TOKEN_PART && token->phase == TOKEN_LINE)
        state = take_line(token, at, end);
    return state;
}
