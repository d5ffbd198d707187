/* group.h: all sources of one name, and the versions that the store has under it. One thread at a time for each group. */
#ifndef SRC_MODEL_GROUP_H
#define SRC_MODEL_GROUP_H

#include <stddef.h>

#include "model/content.h"
#include "model/model.h"

#define NO_MODEL UINT32_MAX

typedef struct Version {
    Digest digest;
    Digest *members; /* owned; NULL = not known */
    int32_t number;
    uint8_t kind; /* ContentKind */
} Version;

/* One version is the usual case and needs no memory of its own. */
typedef struct Group {
    uint32_t first; /* index of the first model, then Model.next */
    uint32_t count : 24; /* of versions; a sorted list has each number once, rising */
    uint32_t is_held : 1;   /* new versions of the name do not go live */
    uint32_t is_recorded : 1; /* the record of changes has a line of the name */
    uint32_t is_hidden : 1; /* readers of the name get a row that is no version */
    uint32_t unsorted : 1, has_file : 1, has_directory : 1;
    uint32_t is_left : 1, is_entered : 1; /* while sources get other keys */
    union {
        Version one; /* count <= 1 */
        struct {
            Version *items;
            size_t cap;
        } many; /* count > 1 */
    } versions;
} Group;

/* Puts a model into the group; group_sort_models when all are in. */
void group_add_model(Group *group, Model *items, uint32_t index);

/* Explicit versions rising, then those without one; equal keys by path, as the list has them. */
void group_sort_models(Group *group, Model *items);

/* Two sources with one key: neither can be preferred, both become MODEL_CONFLICT and name each other. The models are sorted. */
void group_refuse_twins(const Group *group, Model *items);

/* Adds a row of the store, in any order, quickly. A row that comes twice counts once. ERR_STOP without memory. */
bool group_add_version(Group *group, int32_t number, const Content *content, Err *err);

/* The same unless the number is there, and at its place: for versions that come one by one between questions. */
bool group_note_version(Group *group, int32_t number, const Content *content, Err *err);
void group_forget_versions(Group *group);

/* NULL when there is none. Valid until the versions change. */
const Version *group_version(Group *group, int32_t number);
const Version *group_newest_with(Group *group, const Content *content);
const Version *group_newest_of_other_kind(Group *group, ContentKind kind);
int32_t group_highest(Group *group); /* 0 when there is none */

/* Borrows the version's digests. */
Content group_content(const Version *version);

#endif
