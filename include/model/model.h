/* model.h: the record of one source, from the scan to the report, and the list of them. One thread at a time a model. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/content.h"
#include "model/left_out.h"
#include "model/stamp.h"
#include "port/sha256.h"

#define VERSION_AUTO (-1) /* the store decides */

typedef enum ModelKind { MODEL_FILE, MODEL_DIRECTORY } ModelKind;

/* What a directory model holds; model_dir_type_name gives the model_type. */
typedef enum DirType {
    DIR_UNKNOWN,
    DIR_BERTOPIC,
    DIR_MLFLOW,
    DIR_TENSORFLOW,
    DIR_SENTENCE_TRANSFORMERS,
    DIR_TRANSFORMERS,
    DIR_DIFFUSERS,
    DIR_PEFT,
    DIR_SPACY,
    DIR_AUTOGLUON
} DirType;
const char *model_dir_type_name(DirType type);

/* Where a model stands in this run. */
typedef enum ModelState {
    MODEL_PENDING,   /* to be read */
    MODEL_UNCHANGED, /* its content is stored under this name */
    MODEL_NEW,       /* stored by this run (dry run: would be) */
    MODEL_CONFLICT,  /* its key is stored with other content, or two sources have this key */
    MODEL_FAILED,    /* cannot be stored: see reason */
    MODEL_SKIPPED,   /* left out on purpose: see reason */
    MODEL_BUSY       /* still being written, or too young: left for the next run */
} ModelState;

/* One source. Small on purpose: a tree may hold a million. */
typedef struct Model {
    const char *path; /* relative to MODELS_DIR, as on disk; in the list's arena */
    const char *name; /* NULL until identified; in the list's arena */
    char *reason;     /* malloc'd, printable; NULL unless conflict, failed, skipped, or with something to tell */
    Stamp stamp;
    Digest content;   /* valid when has_content */
    Digest *members;  /* malloc'd; NULL unless a directory whose members_sha256 is known */
    uint64_t stored_bytes; /* 0 until packed */
    int32_t version;  /* VERSION_AUTO until known */
    uint32_t next;    /* next model of the same name, UINT32_MAX at the end (plan.h) */
    uint8_t kind;     /* ModelKind */
    uint8_t dir_type; /* DirType */
    uint8_t state;    /* ModelState */
    uint8_t suffix_len;  /* bytes of the file suffix, ".joblib" = 7 */
    bool has_content : 1;   /* content is known */
    bool explicit_version : 1;
    bool followed_link : 1; /* path leads through a symlink (-L) */
    bool has_earlier : 1;   /* an earlier version of this program gave it another key (identify_earlier) */
    bool named_by_map : 1;  /* the map gives its name: several sources may have it, and are its versions by their times */
    bool is_older : 1;      /* unchanged: its content is an older version of a name without versions in the tree */
    bool may_return : 1;    /* unchanged: its version may not be live */
    bool is_returned : 1;   /* the same, and that version went live again */
    bool is_held : 1;       /* when it is new: not made live, because its name is held */
    bool inactive : 1;      /* when it is new: stored, but not made live */
    bool withheld : 1;      /* the same, because its readers could not load it */
    bool is_unreadable : 1; /* a directory that could not be read: nobody knows what is in it */
    bool is_unmarked : 1;   /* a directory that no rule takes for a model, and that the store has as one */
} Model;

typedef struct ModelList {
    Model *items;
    uint32_t count;
    size_t cap;
    Arena arena;
    LeftOut left_out; /* what the scan passed over */
} ModelList;

/* A new entry, all zero but path (copied) and version; NULL and *err when memory ends or 2^32-1 models are there. */
Model *model_list_add(ModelList *list, const char *path, Err *err);
void model_list_fit(ModelList *list); /* gives spare room back; pointers into items are void afterwards */
void model_list_free(ModelList *list);

/* The content is known now; members (copied) NULL = not known. ERR_STOP without memory. */
bool model_set_content(Model *model, const Digest *content, const Digest *members, Err *err);
void model_forget_content(Model *model);

/* For comparing. Borrows; valid when has_content. */
Content model_content(const Model *model);

/* Sets state and reason (copied; the text and hint of `err`). */
void model_fail(Model *model, ModelState state, const Err *err);

/* As if it had not been read: MODEL_PENDING, without content, reason and a version that the store gave it. */
void model_forget_decision(Model *model);

/* model_fail with a format. */
void model_refuse(Model *model, ModelState state, const char *format, ...) __attribute__((format(printf, 3, 4)));

const char *model_state_name(ModelState state); /* "new", "unchanged", … as in JSON */

#endif
