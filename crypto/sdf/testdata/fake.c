/* A device of GM/T 0018 for tests: its only key, number 7 with the PIN "12345678", is a
   file that KEY names, and openssl does the arithmetic. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEN 64
typedef struct { unsigned int bits; unsigned char x[LEN], y[LEN]; } ECCrefPublicKey;
typedef struct { unsigned char r[LEN], s[LEN]; } ECCSignature;

enum { BAD_KEY = 0x01000008, NO_RIGHT = 0x0100000c, FAILED = 0x01000001 };
static int opened, allowed;

int SDF_OpenDevice(void **device) { *device = &opened; return 0; }
int SDF_OpenSession(void *device, void **session) { if (device != &opened) return FAILED; *session = &allowed; return 0; }

int SDF_GetPrivateKeyAccessRight(void *session, unsigned int index, unsigned char *pin, unsigned int size) {
	if (session != &allowed || index != 7) return BAD_KEY;
	if (size != 8 || memcmp(pin, "12345678", 8)) return NO_RIGHT;
	allowed = 1;
	return 0;
}

static int run(const char *command, unsigned char *out, int max) {
	FILE *p = popen(command, "r");
	if (!p) return -1;
	int n = fread(out, 1, max, p);
	return pclose(p) ? -1 : n;
}

int SDF_ExportSignPublicKey_ECC(void *session, unsigned int index, ECCrefPublicKey *key) {
	unsigned char der[256];
	char command[1024];
	if (session != &allowed || index != 7) return BAD_KEY;
	snprintf(command, sizeof command, "openssl pkey -in '%s' -pubout -outform DER", KEY);
	int n = run(command, der, sizeof der);
	if (n < 65) return FAILED;
	memset(key, 0, sizeof *key);
	key->bits = 256;
	memcpy(key->x + LEN - 32, der + n - 64, 32);
	memcpy(key->y + LEN - 32, der + n - 32, 32);
	return 0;
}

static const unsigned char *number(const unsigned char *p, unsigned char *out) {
	int n = p[1];
	const unsigned char *v = p + 2, *end = v + n;
	while (end - v > 32) v++;
	memset(out, 0, LEN);
	memcpy(out + LEN - (end - v), v, end - v);
	return end;
}

int SDF_InternalSign_ECC(void *session, unsigned int index, unsigned char *data, unsigned int size, ECCSignature *signature) {
	unsigned char der[128];
	char command[1024], name[] = "/tmp/sdf-fake-XXXXXX";
	if (!allowed) return NO_RIGHT;
	if (session != &allowed || index != 7 || size != 32) return BAD_KEY;
	int fd = mkstemp(name);
	FILE *f = fdopen(fd, "w");
	fwrite(data, 1, size, f);
	fclose(f);
	snprintf(command, sizeof command, "openssl pkeyutl -sign -inkey '%s' -in %s", KEY, name);
	int n = run(command, der, sizeof der);
	remove(name);
	if (n < 8) return FAILED;
	number(number(der + 2, signature->r), signature->s);
	return 0;
}
