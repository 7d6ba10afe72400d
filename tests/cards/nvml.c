/* A libnvidia-ml.so.1 without a driver: it answers from the scenario that AUTORESEARCH_CARDS names, read again at every call.
 *
 * A scenario is lines of words; `tests/cards/__init__.py` writes them and tells their meaning. NEWEST is the version of the process list
 * that this driver knows: older ones lack the symbols of the newer. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, SMALL = 7, NOT_LOADED = 9, MISMATCH = 18 };
enum { DEVICES = 12, PROCESSES = 24, RULES = 12, WORD = 160, SLICES = 7 };
static const unsigned long long UNTOLD = ~0ULL;

typedef struct { char function[WORD]; int code; double seconds; } Rule;
typedef struct { unsigned pid; unsigned long long bytes; int draws; } Process;
typedef struct {
    char uuid[WORD], name[WORD];
    int whole; /* of a slice: the place of its card; else -1 */
    long long total, used, util, power, limit, temperature, clock, fastest, energy, reasons;
    Process processes[PROCESSES];
    int listed;
    Rule rules[RULES];
    int ruled;
} Device;
typedef struct { Device devices[DEVICES]; int count, init, library, seeks; char driver[WORD]; Rule rules[RULES]; int ruled; } Scene;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Rates;
typedef size_t Handle; /* a device's place in the scenario, and one */

static atomic_int users;

/* The process with the highest number whose command has this text. */
static unsigned whose(const char *text) {
    unsigned found = 0;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[300], command[4096];
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = file < 0 ? -1 : read(file, command, sizeof command - 1);
        if (file >= 0) close(file);
        if (size <= 0) continue;
        for (ssize_t at = 0; at < size; at++) if (!command[at]) command[at] = ' ';
        command[size] = 0;
        unsigned pid = (unsigned)atoi(entry->d_name);
        if (strstr(command, text) && pid > found) found = pid;
    }
    if (folder) closedir(folder);
    return found;
}

static void rule(Scene *scene, Device *device, const char *function, int code, double seconds) {
    int *ruled = device ? &device->ruled : &scene->ruled;
    Rule *rules = device ? device->rules : scene->rules;
    if (*ruled == RULES) return;
    snprintf(rules[*ruled].function, WORD, "%s", function);
    rules[*ruled].code = code;
    rules[(*ruled)++].seconds = seconds;
}

static void device(Scene *scene, int slice, const char *rest) {
    Device *made = &scene->devices[scene->count];
    int whole = scene->count - 1;
    while (whole >= 0 && scene->devices[whole].whole >= 0) whole--;
    *made = (Device){.whole = slice ? whole : -1, .total = -1, .util = -1, .power = -1, .limit = -1, .temperature = -1,
                     .clock = -1, .fastest = -1, .energy = -1, .reasons = -1};
    sscanf(rest, "%159s %159[^\n]", made->uuid, made->name);
    scene->count++;
}

static void process(Device *device, unsigned pid, const char *bytes, int draws, int counts) {
    if (!pid || device->listed == PROCESSES) return;
    Process one = {pid, *bytes == '-' ? UNTOLD : strtoull(bytes, NULL, 10), draws};
    device->processes[device->listed++] = one;
    if (counts) device->used += (long long)one.bytes;
}

static void line(Scene *scene, const char *word, const char *rest) {
    Device *last = scene->count ? &scene->devices[scene->count - 1] : NULL;
    char text[WORD] = "", amount[WORD] = "", kind[WORD] = "";
    sscanf(rest, "%159s %159s %159s", text, amount, kind);
    if (!strcmp(word, "card") || !strcmp(word, "slice")) { if (scene->count < DEVICES) device(scene, *word == 's', rest); }
    else if (!strcmp(word, "library")) scene->library = atoi(rest);
    else if (!strcmp(word, "init")) scene->init = atoi(rest);
    else if (!strcmp(word, "driver")) snprintf(scene->driver, WORD, "%s", text);
    else if (!strcmp(word, "answer")) rule(scene, last, text, atoi(amount), 0);
    else if (!strcmp(word, "block")) rule(scene, last, text, SUCCESS, atof(amount));
    else if (!last) return;
    else if (!strcmp(word, "process")) process(last, (unsigned)atoi(text), amount, !strcmp(kind, "draws"), 0);
    else if (!strcmp(word, "whose")) process(last, scene->seeks ? whose(text) : 0, amount, 0, 1);
    else if (!strcmp(word, "total")) last->total = atoll(rest);
    else if (!strcmp(word, "used")) last->used += atoll(rest);
    else if (!strcmp(word, "util")) last->util = atoll(rest);
    else if (!strcmp(word, "power")) last->power = atoll(rest);
    else if (!strcmp(word, "limit")) last->limit = atoll(rest);
    else if (!strcmp(word, "temperature")) last->temperature = atoll(rest);
    else if (!strcmp(word, "clock")) last->clock = atoll(rest);
    else if (!strcmp(word, "fastest")) last->fastest = atoll(rest);
    else if (!strcmp(word, "energy")) last->energy = atoll(rest);
    else if (!strcmp(word, "reasons")) last->reasons = atoll(rest);
}

static int scene(Scene *read, const char *function) {
    const char *path = getenv("AUTORESEARCH_CARDS");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file) return NOT_LOADED;
    memset(read, 0, sizeof *read);
    read->library = NEWEST;
    read->seeks = strstr(function, "Memory") || strstr(function, "Running"); /* the machine's processes are looked through for these alone */
    char text[400], word[WORD];
    for (int at; fgets(text, sizeof text, file);)
        if (sscanf(text, "%159s %n", word, &at) == 1) line(read, word, text + at);
    fclose(file);
    return read->library == NEWEST ? SUCCESS : MISMATCH;
}

static int obey(const Rule *rules, int ruled, const char *function) {
    for (int at = 0; at < ruled; at++) {
        if (strcmp(rules[at].function, function)) continue;
        struct timespec pause = {(time_t)rules[at].seconds, (long)((rules[at].seconds - (time_t)rules[at].seconds) * 1e9)};
        nanosleep(&pause, NULL);
        if (rules[at].code) return rules[at].code;
    }
    return SUCCESS;
}

/* What a question meets before its answer: a driver that is gone, a library that does not fit it, a rule of the scenario. */
static int ask(Scene *read, const char *function) {
    if (!atomic_load(&users)) return UNINITIALIZED;
    int code = scene(read, function);
    return code ? code : obey(read->rules, read->ruled, function);
}

static int ask_device(Scene *read, Handle handle, const char *function, Device **found) {
    int code = ask(read, function);
    if (code) return code;
    if (handle < 1 || handle > (size_t)read->count) return INVALID;
    *found = &read->devices[handle - 1];
    return obey((*found)->rules, (*found)->ruled, function);
}

#define ASK(function) Scene read; int code = ask(&read, #function); if (code) return code
#define ASK_DEVICE(function) Scene read; Device *found; int code = ask_device(&read, handle, #function, &found); if (code) return code
#define TELL(function, field, type) \
    int function(Handle handle, type *told) { ASK_DEVICE(function); if (found->field < 0) return NOT_SUPPORTED; *told = (type)found->field; return SUCCESS; }

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    Scene read;
    int code = scene(&read, "nvmlInitWithFlags");
    if (!code) code = obey(read.rules, read.ruled, "nvmlInitWithFlags");
    if (!code) code = read.init;
    if (!code) atomic_fetch_add(&users, 1);
    return code;
}

int nvmlShutdown(void) {
    if (!atomic_load(&users)) return UNINITIALIZED;
    atomic_fetch_sub(&users, 1);
    return SUCCESS;
}

const char *nvmlErrorString(int code) { (void)code; return "an error that the scenario asks for"; }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    ASK(nvmlSystemGetDriverVersion);
    snprintf(text, size, "%s", read.driver);
    return *read.driver ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    ASK(nvmlDeviceGetCount_v2);
    *count = 0;
    for (int at = 0; at < read.count; at++) *count += read.devices[at].whole < 0;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle *handle) {
    ASK(nvmlDeviceGetHandleByIndex_v2);
    for (int at = 0; at < read.count; at++)
        if (read.devices[at].whole < 0 && index-- == 0) {
            *handle = (Handle)at + 1;
            return obey(read.devices[at].rules, read.devices[at].ruled, "nvmlDeviceGetHandleByIndex_v2");
        }
    return INVALID;
}

int nvmlDeviceGetUUID(Handle handle, char *text, unsigned size) {
    ASK_DEVICE(nvmlDeviceGetUUID);
    snprintf(text, size, "%s", found->uuid);
    return SUCCESS;
}

int nvmlDeviceGetName(Handle handle, char *text, unsigned size) {
    ASK_DEVICE(nvmlDeviceGetName);
    snprintf(text, size, "%s", found->name);
    return SUCCESS;
}

static int slices(const Scene *read, Handle handle, int place, Handle *slice) {
    int count = 0;
    for (int at = 0; at < read->count; at++)
        if (read->devices[at].whole == (int)handle - 1 && count++ == place) *slice = (Handle)at + 1;
    return count;
}

int nvmlDeviceGetMigMode(Handle handle, unsigned *now, unsigned *later) {
    ASK_DEVICE(nvmlDeviceGetMigMode);
    *now = *later = 1;
    return slices(&read, handle, -1, NULL) ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMaxMigDeviceCount(Handle handle, unsigned *count) {
    ASK_DEVICE(nvmlDeviceGetMaxMigDeviceCount);
    *count = SLICES;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Handle handle, unsigned index, Handle *slice) {
    ASK_DEVICE(nvmlDeviceGetMigDeviceHandleByIndex);
    return (int)index < slices(&read, handle, (int)index, slice) ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetMemoryInfo(Handle handle, Memory *memory) {
    ASK_DEVICE(nvmlDeviceGetMemoryInfo);
    if (found->total < 0) return NOT_SUPPORTED;
    memory->total = (unsigned long long)found->total;
    memory->used = (unsigned long long)found->used;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(Handle handle, Rates *rates) {
    ASK_DEVICE(nvmlDeviceGetUtilizationRates);
    if (found->util < 0) return NOT_SUPPORTED;
    rates->gpu = rates->memory = (unsigned)found->util;
    return SUCCESS;
}

int nvmlDeviceGetTemperature(Handle handle, int sensor, unsigned *told) {
    (void)sensor;
    ASK_DEVICE(nvmlDeviceGetTemperature);
    if (found->temperature < 0) return NOT_SUPPORTED;
    *told = (unsigned)found->temperature;
    return SUCCESS;
}

int nvmlDeviceGetClockInfo(Handle handle, int which, unsigned *told) {
    (void)which;
    ASK_DEVICE(nvmlDeviceGetClockInfo);
    if (found->clock < 0) return NOT_SUPPORTED;
    *told = (unsigned)found->clock;
    return SUCCESS;
}

int nvmlDeviceGetMaxClockInfo(Handle handle, int which, unsigned *told) {
    (void)which;
    ASK_DEVICE(nvmlDeviceGetMaxClockInfo);
    if (found->fastest < 0) return NOT_SUPPORTED;
    *told = (unsigned)found->fastest;
    return SUCCESS;
}

TELL(nvmlDeviceGetPowerUsage, power, unsigned)
TELL(nvmlDeviceGetEnforcedPowerLimit, limit, unsigned)
TELL(nvmlDeviceGetPowerManagementLimit, limit, unsigned)
TELL(nvmlDeviceGetTotalEnergyConsumption, energy, unsigned long long)
TELL(nvmlDeviceGetCurrentClocksThrottleReasons, reasons, unsigned long long)
#if NEWEST == 3
TELL(nvmlDeviceGetCurrentClocksEventReasons, reasons, unsigned long long)
#endif

typedef struct { unsigned pid; unsigned long long memory; } Record1;
typedef struct { unsigned pid; unsigned long long memory; unsigned instance, engine; } Record2;

#define RUNNING(function, drawing, Record) \
    int function(Handle handle, unsigned *count, Record *records) { \
        ASK_DEVICE(function); \
        unsigned there = 0, room = *count; \
        for (int at = 0; at < found->listed; at++) { \
            if (found->processes[at].draws != drawing) continue; \
            if (records && there < room) { records[there].pid = found->processes[at].pid; records[there].memory = found->processes[at].bytes; } \
            there++; \
        } \
        *count = there; \
        return there > room || (there && !records) ? SMALL : SUCCESS; \
    }

RUNNING(nvmlDeviceGetComputeRunningProcesses, 0, Record1)
RUNNING(nvmlDeviceGetGraphicsRunningProcesses, 1, Record1)
#if NEWEST >= 2
RUNNING(nvmlDeviceGetComputeRunningProcesses_v2, 0, Record2)
RUNNING(nvmlDeviceGetGraphicsRunningProcesses_v2, 1, Record2)
#endif
#if NEWEST >= 3
RUNNING(nvmlDeviceGetComputeRunningProcesses_v3, 0, Record2)
RUNNING(nvmlDeviceGetGraphicsRunningProcesses_v3, 1, Record2)
#endif
