/*
 * One function for Node: syscall(nr, ...args) -> result or -errno.
 *
 * Arguments: numbers and bigints by value, typed arrays and buffers by address, strings as NUL-terminated copies
 * that live for the call, null and undefined as 0. A string with a NUL inside gives -EINVAL: it would name something else
 * than its author meant.
 */
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 7

/* The address stays valid for the call: V8 does not run, so nothing moves or frees the buffer meanwhile. */
static int argument(napi_env env, napi_value value, long *out, char **copy) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok) return -1;
  switch (type) {
    case napi_undefined:
    case napi_null:
      *out = 0;
      return 0;
    case napi_number: {
      int64_t number;
      if (napi_get_value_int64(env, value, &number) != napi_ok) return -1;
      *out = (long)number;
      return 0;
    }
    case napi_bigint: {
      uint64_t number;
      bool lossless;
      if (napi_get_value_bigint_uint64(env, value, &number, &lossless) != napi_ok) return -1;
      *out = (long)number;
      return 0;
    }
    case napi_string: {
      size_t length;
      if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return -1;
      *copy = malloc(length + 1);
      if (*copy == NULL) return -1;
      napi_get_value_string_utf8(env, value, *copy, length + 1, &length);
      if (strlen(*copy) != length) return -1;
      *out = (long)*copy;
      return 0;
    }
    default: {
      bool is_typed = false;
      void *data = NULL;
      if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return -1;
      if (napi_get_typedarray_info(env, value, NULL, NULL, &data, NULL, NULL) != napi_ok) return -1;
      *out = (long)data;
      return 0;
    }
  }
}

static napi_value call(napi_env env, napi_callback_info info) {
  napi_value argv[MAX_ARGS];
  size_t argc = MAX_ARGS;
  long args[MAX_ARGS] = {0};
  char *copies[MAX_ARGS] = {0};
  long result = -EINVAL;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (argc >= 1 && argc <= MAX_ARGS) {
    size_t i = 0;
    while (i < argc && argument(env, argv[i], &args[i], &copies[i]) == 0) i++;
    if (i == argc) {
      result = syscall(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
      if (result == -1) result = -errno;
    }
  }
  for (size_t i = 0; i < MAX_ARGS; i++) free(copies[i]);
  napi_value out;
  napi_create_int64(env, result, &out);
  return out;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "syscall", NAPI_AUTO_LENGTH, call, NULL, &function);
  napi_set_named_property(env, exports, "syscall", function);
  return exports;
}
