# PAWL_DLOPEN(VAR, MODULE, FUNCTION, STEM)
# Headers now, the library at first use: VAR_CFLAGS, and PAWL_STEM_SONAME in config.h.
# The name comes from what the linker would have recorded.
AC_DEFUN([PAWL_DLOPEN], [
  PKG_CHECK_MODULES([$1], [$2])
  AC_CACHE_CHECK([for the soname of $4], [pawl_cv_soname_$4], [
    pawl_save_LIBS=$LIBS
    LIBS="-Wl,--no-as-needed $[]$1[]_LIBS $LIBS"
    pawl_cv_soname_$4=
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[char $3(void);]], [[return $3();]])], [
      pawl_cv_soname_$4=`LC_ALL=C objdump -p conftest$ac_exeext |
        $SED -n 's/^ *NEEDED  *\($4\.so[[^ ]]*\)$/\1/p'`])
    LIBS=$pawl_save_LIBS
  ])
  AS_IF([test -z "$pawl_cv_soname_$4"], [AC_MSG_ERROR([$4 cannot be linked])])
  AC_DEFINE_UNQUOTED(m4_toupper([PAWL_$4_SONAME]), ["$pawl_cv_soname_$4"],
    [What dlopen() is given for $4.])
])

# PAWL_ADD_FLAGS(VAR, FLAGS...): append those of FLAGS the compiler knows. All at once if
# it knows them all, since asking one by one takes a second.
AC_DEFUN([PAWL_ADD_FLAGS], [
  pawl_save_CFLAGS=$CFLAGS
  pawl_known=
  for pawl_flags in "$2" $2; do
    AC_MSG_CHECKING([whether $CC knows] $pawl_flags)
    CFLAGS="-Werror "`echo $pawl_flags`
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
      [pawl_ok=yes], [pawl_ok=no])
    AC_MSG_RESULT([$pawl_ok])
    AS_IF([test $pawl_ok = yes], [pawl_known="$pawl_known $pawl_flags"])
    AS_IF([test "$pawl_flags" = "$2" && test $pawl_ok = yes], [break])
  done
  $1="$[]$1 "`echo $pawl_known`
  CFLAGS=$pawl_save_CFLAGS
])

# PAWL_BUILD_FLAGS: sets PAWL_CFLAGS and PAWL_LDFLAGS for the kind of build asked for.
# The user's CFLAGS come after ours and so win.
AC_DEFUN([PAWL_BUILD_FLAGS], [
  pawl_warnings="-Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wcast-qual
    -Wpointer-arith -Wvla -Walloca -Wundef -Wformat=2 -Wswitch-enum
    -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion"
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#ifndef __clang__
#error not clang
#endif
]])],
    [pawl_clang=yes
     pawl_warnings="$pawl_warnings -Wcomma -Wconditional-uninitialized -Wassign-enum"],
    [pawl_clang=no
     pawl_warnings="$pawl_warnings -Wlogical-op -Wduplicated-cond -Wduplicated-branches"])

  PAWL_CFLAGS=
  PAWL_LDFLAGS="-Wl,--as-needed -Wl,-z,relro,-z,now"
  pawl_sanitize=
  pawl_build=release
  PAWL_ADD_FLAGS([PAWL_CFLAGS], [$pawl_warnings])

  AS_IF([test "$enable_fuzz" = yes && test "$pawl_clang" = no],
    [AC_MSG_ERROR([--enable-fuzz needs clang: ./configure --enable-fuzz CC=clang])])
  AS_IF([test "$enable_tsan" = yes],
    [pawl_build=tsan pawl_sanitize="-fsanitize=thread"],
    [test "$enable_dev" = yes || test "$enable_fuzz" = yes],
    [pawl_build=developer
     pawl_sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"])
  AS_IF([test "$enable_fuzz" = yes],
    [pawl_build=fuzzing FUZZ_ENGINE=-fsanitize=fuzzer
     pawl_sanitize="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"])
  AS_IF([test "$enable_cover" = yes],
    [pawl_build=coverage pawl_sanitize="--coverage"])

  AS_IF([test -n "$pawl_sanitize"],
    [PAWL_CFLAGS="$PAWL_CFLAGS -Werror -O1 -g -fno-omit-frame-pointer $pawl_sanitize"
     PAWL_LDFLAGS="$PAWL_LDFLAGS $pawl_sanitize"],
    [PAWL_CFLAGS="$PAWL_CFLAGS -O2 -g"
     PAWL_ADD_FLAGS([PAWL_CFLAGS], [-fstack-protector-strong -fstack-clash-protection -fcf-protection])
     dnl gcc 12 takes the length of one of several possible strings for that of all, and
     dnl then drops comparisons with a shorter one: pawl lint - read a file of that name.
     AS_IF([test "$pawl_clang" = no], [PAWL_ADD_FLAGS([PAWL_CFLAGS], [-fno-optimize-strlen])])
     pawl_fortify=3
     AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#include <features.h>
#if !__GLIBC_PREREQ(2, 35)
#error FORTIFY_SOURCE 3 is not known
#endif
]])], [], [pawl_fortify=2])
     PAWL_CFLAGS="$PAWL_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$pawl_fortify"])
  PAWL_CFLAGS="-std=gnu11 -fPIE $PAWL_CFLAGS"
  AC_SUBST([PAWL_CFLAGS])
  AC_SUBST([PAWL_LDFLAGS])
  AC_SUBST([FUZZ_ENGINE])
  AM_CONDITIONAL([FUZZ], [test "$enable_fuzz" = yes])
  AM_CONDITIONAL([COVER], [test "$enable_cover" = yes])
])

# PAWL_INIT_FLAGS: pawl-init runs in images that may hold nothing else, so it is static
# and has none of the sanitizers; what it must be able to do, the other builds test.
AC_DEFUN([PAWL_INIT_FLAGS], [
  PAWL_INIT_CFLAGS=
  PAWL_ADD_FLAGS([PAWL_INIT_CFLAGS], [$pawl_warnings])
  PAWL_INIT_CFLAGS="-std=gnu11 -O2 -g $PAWL_INIT_CFLAGS"
  PAWL_INIT_LDFLAGS=-static
  pawl_save_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS -static"
  AC_MSG_CHECKING([for a static libc])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_WARN([pawl-init will start only in images with this machine's libc])
     PAWL_INIT_LDFLAGS=])
  LDFLAGS=$pawl_save_LDFLAGS
  AC_SUBST([PAWL_INIT_CFLAGS])
  AC_SUBST([PAWL_INIT_LDFLAGS])
])

# PAWL_STATIC_LIBC: the supervisor starts once per job; static it starts a fifth faster.
# Sanitizers need the dynamic one.
AC_DEFUN([PAWL_STATIC_LIBC], [
  PAWL_SUPERVISE_LDFLAGS=-pie
  pawl_supervise_linkage=dynamic
  AS_IF([test -z "$pawl_sanitize"], [
    pawl_save_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS -static"
    AC_MSG_CHECKING([for a static libc])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
      [AC_MSG_RESULT([yes])
       PAWL_SUPERVISE_LDFLAGS=-static
       pawl_supervise_linkage=static],
      [AC_MSG_RESULT([no])])
    LDFLAGS=$pawl_save_LDFLAGS
  ])
  AC_SUBST([PAWL_SUPERVISE_LDFLAGS])

  AC_MSG_CHECKING([for jansson's archive])
  pawl_save_LIBS=$LIBS
  LIBS="-l:libjansson.a $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[char json_object(void);]], [[return json_object();]])],
    [AC_MSG_RESULT([yes])
     JANSSON_ARCHIVE=-l:libjansson.a],
    [AC_MSG_RESULT([no])
     AC_MSG_WARN([the supervisor will need the shared jansson, and start slower])
     JANSSON_ARCHIVE=$JANSSON_LIBS
     PAWL_SUPERVISE_LDFLAGS=-pie pawl_supervise_linkage=dynamic])
  LIBS=$pawl_save_LIBS
  AC_SUBST([JANSSON_ARCHIVE])
])
