/* Ends a program that gives back memory in which a secret stands: FREE_SECRET, as bytes.
 *
 * gcc -shared -fPIC -o free_hook.so free_hook.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *secret;
static void (*give_back)(void *);

__attribute__((constructor)) static void begin(void) {
    give_back = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    secret = getenv("FREE_SECRET");
}

void free(void *block) {
    if (secret && block && memmem(block, malloc_usable_size(block), secret, strlen(secret))) {
        static const char text[] = "freed with a secret in it\n";
        _exit(write(2, text, sizeof text - 1) < 0 ? 98 : 99);
    }
    if (give_back) give_back(block);
}
