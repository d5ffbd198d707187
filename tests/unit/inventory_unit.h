/* inventory_unit.h: a small inventory with every kind of item, for the tests of the report. */
#ifndef INVENTORY_UNIT_H
#define INVENTORY_UNIT_H

#include "report/inventory.h"
#include "unit.h"

/* What would break out of text, of an attribute, of a title, a style, an SVG or a line; not UTF-8, and turning the direction of
 * writing. */
#define HOSTILE \
    "</title></style></svg>\"'><script src=http://127.0.0.1:1/s></script><img src=http://127.0.0.1:1/i onerror=alert(1)>&lt;&#60;" \
    "=1+1,\x1b[31m\r\n\t\x7f\xff\xe2\x80\xae-->]]>url(http://127.0.0.1:1/u)"

enum { ITEMS = 12 };

typedef struct Sample {
    Inventory inventory;
    InventoryItem items[ITEMS];
    StoredModel rows[ITEMS];
} Sample;

static inline Digest digest_of(unsigned char byte)
{
    Digest digest;
    memset(&digest, byte, sizeof digest);
    return digest;
}

/* *model: becomes its row. */
static inline InventoryItem row(StoredModel *model, char letter, const char *text, int32_t version, unsigned char content)
{
    *model = (StoredModel){.name = text,
                           .version = version,
                           .model_type = text,
                           .raw_bytes = 10 * 1024 * (uint64_t)content,
                           .stored_bytes = 1024 * (uint64_t)content,
                           .content = digest_of(content),
                           .stored = digest_of((unsigned char)(content + 100)),
                           .created_ns = INT64_C(1772366400123000000),
                           .run_id = text};
    return (InventoryItem){.path = text,
                           .name = text,
                           .version = version,
                           .letter = letter,
                           .raw_bytes = model->raw_bytes,
                           .row = model};
}

/* Every kind of item once or twice; all strings are `text`, but the second name where a picture needs two. */
static inline void fill(Sample *sample, const char *text, const char *other)
{
    InventoryItem *items = sample->items;
    StoredModel *rows = sample->rows;
    for (int i = 0; i < ITEMS; i++)
        items[i] = row(&sample->rows[i], '=', text, i + 1, (unsigned char)(i + 1));
    items[0].can_go = items[0].store_proof = items[0].download_proof = true;
    items[1].can_go = items[1].store_proof = items[1].download_proof = true;
    items[1].name = other;                /* the same content under two names */
    rows[1].content = rows[0].content;
    items[2].reason = text;               /* must stay */
    items[3] = (InventoryItem){.path = text, .name = text, .version = -1, .letter = '+', .raw_bytes = 512};
    items[4].letter = '-';
    items[4].path = NULL;
    items[5].letter = '*';
    items[5].reason = text;
    items[6].letter = '*';
    items[6].reason = text;
    items[6].is_damaged = true;
    items[7] = (InventoryItem){.path = text, .version = -1, .letter = '!', .reason = text, .raw_bytes = 7};
    items[8].letter = '-';
    items[8].path = NULL;
    items[8].is_older = true;
    rows[9].model_type = other;
    rows[9].run_id = "";
    rows[10].created_ns = 0;
    rows[11].model_type = "";
    sample->inventory = (Inventory){.title = text,
                                    .models_dir = text,
                                    .store = text,
                                    .host = text,
                                    .made_ns = INT64_C(1772366400000000000),
                                    .is_cleanup = true,
                                    .items = items,
                                    .count = ITEMS,
                                    .older = 1};
}

static inline void has(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) != NULL, "not in the page: %s", part);
}

static inline void lacks(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) == NULL, "in the page: %s", part);
}

#endif
