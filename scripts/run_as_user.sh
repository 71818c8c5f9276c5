#!/bin/bash -p
# Runs one command of a build as a build user, on a leash. The only code of isobuild that has root rights.
#
#   run_as_user.sh run USER WORKSPACE [--env FILE] [--stdin FILE] [--time SECONDS] [--soft SECONDS] [--memory BYTES]
#                  [--processes N] [--file-size BYTES] [--nice N] -- COMMAND [ARG...]
#   run_as_user.sh remove WORKSPACE
#
# The leash is this script's own stdin: the caller holds the other end of a pipe and never writes to it. When it closes,
# every process of COMMAND is killed and WORKSPACE removed. When this script is killed, even by -9, the processes die
# just the same, but the folder waits for `remove`.
#
# After --soft every process of COMMAND is asked to end, by SIGTERM, and nothing more; after --time they are all killed.
#
# Exit status: COMMAND's own (128+n: it died of signal n); 124 the time was up; 129 the leash was closed; 130 or 143 this
# script was told to end; 2 bad usage; 77 refused.
#
# What may be done is said by $config when sudo started us, by ISOBUILD_BUILD_USERS and ISOBUILD_WORK_ROOT when root did.
# Anybody else builds as the user they are, below ISOBUILD_WORK_ROOT.

set -euf
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
config=/etc/isobuild/run_as_user.conf

misuse() { echo "run_as_user.sh: $1" >&2; exit 2; }
refuse() { echo "run_as_user.sh: refused: $1" >&2; exit 77; }

# --- what may be done

read_config() { # parsed, never sourced
  [[ $(stat -c '%F %u %A' -- "$config" 2>/dev/null) == 'regular file 0 '?????-??-? ]] ||
    refuse "$config must be a file of root's that nobody else can write"
  local key equals value
  while read -r key equals value; do
    case $key$equals in
      users=) users=$value ;;
      root=) root=$value ;;
      '' | '#'*) ;;
      *) refuse "$config says '$key $equals $value'; allowed are 'users = NAME NAME' and 'root = FOLDER'" ;;
    esac
  done <"$config"
}

read_rules() { # sets users, whom builds may run as, and root, the folder that workspaces are in
  users=${ISOBUILD_BUILD_USERS-} root=${ISOBUILD_WORK_ROOT-}
  if ((EUID)); then users=$(id -un)
  elif [[ ${SUDO_UID-} ]]; then
    users='' root=''
    read_config
  fi
  [[ $root == /?* ]] || refuse "no folder of workspaces is configured: set ISOBUILD_WORK_ROOT, or root in $config"
}

check_user() { # USER; sets uid and gid
  [[ $1 && " $users " == *" $1 "* ]] || refuse "'$1' is not a build user; allowed: ${users:-nobody}"
  IFS=: read -r _ _ uid gid _ < <(getent passwd "$1") || refuse "there is no user '$1' on this machine"
  ((uid)) || refuse "builds never run as root, and '$1' is root"
  [[ $uid != "${SUDO_UID-}" ]] || refuse "builds never run as the service itself, and '$1' is"
}

check_workspace() { # WORKSPACE: its name alone, as it may be missing
  [[ $1 == "$root"/+([0-9]) ]] || refuse "'$1' is not a workspace; allowed: $root/DIGITS"
  workspace=$1
}

# Into FOLDER, if the kernel says that this is where we are, not behind a symlink. Root's rights are then used on "." or
# on names in it, never on longer paths, so that the owner of a folder on the way can't swap it for another meanwhile.
enter() {
  cd -- "$1" 2>/dev/null || refuse "'$1' is not a folder that can be entered"
  [[ $(/bin/pwd -P) == "$1" ]] || refuse "there is a symlink in '$1'"
}

# --- the options of run

number() { [[ ${2-} == +([0-9]) ]] || misuse "$1: '${2-}' is not a whole number"; }

inside() { # OPTION FILE: the true path of a file in the workspace
  local path
  path=$(realpath -e -- "${2-}" 2>/dev/null) || misuse "$1: there is no file '${2-}'"
  [[ $path == "$workspace"/* ]] || refuse "$1: '$2' is not inside $workspace"
  echo "$path"
}

read_env() { # FILE; sets env, read with the caller's rights: it may hold secrets and need not be the build user's to read
  local line as_caller=()
  ((EUID)) || [[ ! ${SUDO_UID-} ]] || as_caller=(setpriv "--reuid=$SUDO_UID" "--regid=$SUDO_GID" --clear-groups)
  env=$("${as_caller[@]}" cat -- "$1") || misuse "--env: '$1' can't be read"
  while IFS= read -r line; do
    [[ ! $line || $line =~ ^[A-Za-z_][A-Za-z_0-9]*= ]] || misuse "--env: '$1' has a line that is not KEY=VALUE"
  done <<<"$env"
}

parse() { # [options] -- COMMAND [ARG...]; sets what they say
  local file
  env='' stdin=/dev/null time=0 soft=0 nice=10 limits=(--core=0)
  while [[ ${1---} != -- ]]; do
    case $1 in
      --env) file=$(inside "$@"); read_env "$file" ;;
      --stdin) stdin=$(inside "$@") ;;
      --time) number "$@"; time=$2 ;;
      --soft) number "$@"; soft=$2 ;;
      --memory) number "$@"; limits+=("--as=$2") ;;
      --processes) number "$@"; limits+=("--nproc=$2") ;;
      --file-size) number "$@"; limits+=("--fsize=$2") ;;
      --nice) number "$@"; nice=$2 ;;
      *) misuse "there is no option '$1'; COMMAND comes after --" ;;
    esac
    shift 2
  done
  (($# > 1)) || misuse 'there is no COMMAND; it comes after --'
  command=("${@:2}")
}

# --- the workspace

give() ( # NAME OWNER:GROUP MODE
  enter "$workspace/$1"
  chown -- "$2" .
  chmod -- "$3" .
)

# What a build leaves in out belongs to the caller's group. In tmp and work nothing may: mmdebstrap could not give the
# root folders it makes there to its sub-uids. They are others to us, so others may pass, but not look around.
prepare() {
  if [[ -d in ]]; then
    [[ -d out ]] || give in ":$gid" 0751
    share # before each command: one before it may have left something with a secret
  fi
  [[ ! -d out ]] || return 0
  mkdir -p tmp work out
  give tmp "$uid:$gid" 0711
  give work "$uid:$gid" 0711
  give out "$uid:${SUDO_GID:-$(id -g)}" 2750
}

# What others must not read in "in", as there are secrets in it, is the build user's by its group. The caller's own rights
# do for that, and root's must not be used: the caller may have linked anything to there.
share() {
  local as_caller=()
  ((EUID)) || [[ ! ${SUDO_UID-} ]] ||
    as_caller=(setpriv "--reuid=$SUDO_UID" "--regid=$SUDO_GID" "--groups=$gid" --inh-caps=-all)
  "${as_caller[@]}" find in -xdev -type f '(' -perm 0640 -o -perm 0750 ')' -user "${SUDO_UID:-$EUID}" \
    -exec chgrp -- "$gid" '{}' +
}

remove() {
  enter "$root"
  ! grep -qF -e " $workspace/" -e " $workspace " /proc/self/mountinfo || refuse "something is mounted in $workspace"
  "${mapped[@]}" rm -rf --one-file-system -- "./${workspace##*/}"
}

# --- the tree of processes, sure to end

sub_ids() { # FILE: the present user's first range, mapped to itself
  local name first count
  while IFS=: read -r name first count; do
    [[ $name != "$users" && $name != "$EUID" ]] || break
  done <"$1"
  [[ ${count-} ]] && echo "$first,$first,$count"
}

# Sets tree, which makes its command the first process of a namespace, become, by which that command becomes the build
# user, and mapped, by which files of sub-uids can be removed. Who is not root gets that namespace within a user
# namespace where all of their ids mean themselves, and where newuidmap, not setuid there, has the rights that
# mmdebstrap needs it to have. A kernel that allows none leaves a process group: there, a daemon may outlive its build.
# It is asked without sub-uids, as an unshare that was refused leaves its call of newuidmap waiting for ever.
choose_tree() {
  mapped=() tree=(--pid --ipc --mount-proc --fork --kill-child=KILL)
  become=(setpriv "--reuid=${uid-}" "--regid=${gid-}" --init-groups --inh-caps=-all)
  if ((EUID)); then
    mapped=(unshare --user --map-current-user --keep-caps)
    become=(setpriv --inh-caps='-all,+setuid,+setgid' --ambient-caps='-all,+setuid,+setgid')
    "${mapped[@]}" "${tree[@]}" true 2>/dev/null || { mapped=() tree=() become=() && return; }
    add_sub_ids
  fi
  tree=(unshare "${mapped[@]:1}" "${tree[@]}")
}

add_sub_ids() { # to mapped
  local uids gids
  command -v newuidmap >/dev/null && uids=$(sub_ids /etc/subuid) && gids=$(sub_ids /etc/subgid) || return 0
  mapped+=("--map-users=$uids" "--map-groups=$gids")
} 2>/dev/null

# The first process of the tree, which no build user can signal. Its stdin is a pipe from this script and ends with it,
# whatever ends it: then, or when the time is up, it ends too, and the kernel kills all that is left in the namespace.
# (A parent-death signal would not do: it is forgotten where credentials change.) Process numbers begin high there, as
# mmdebstrap takes a process with its own number in the namespaces it makes for itself, and tidies up too early.
# After --soft all in the namespace are asked to end but the first, the shell that asks, and the one that keeps the time,
# which is deaf to it. Without a namespace, all would be every process of the user: there it is the process group.
# shellcheck disable=SC2016
first='
  { echo 10000 >/proc/sys/kernel/ns_last_pid; } 2>/dev/null
  hold() { if [ "$1" -eq 0 ]; then read -r; else read -rt "$1"; fi; (($? > 128)); }
  time=$1 soft=$2
  shift 2
  trap "exit 124" TERM
  trap "kill -KILL -- -\$build" EXIT
  { trap "" TERM; hold "$time"; kill -TERM $$; } <&0 3<&- >/dev/null 2>&1 &
  setsid "$@" </dev/null &
  build=$! all=-1
  exec 2>/dev/null 3<&-
  (($$ == 1)) || all=-$build
  { [ "$soft" -ne 0 ] && hold "$soft" && kill -TERM -- "$all"; } <&0 >/dev/null &
  wait "$build"'

# The first process of the build user. What is in the environment comes by a pipe: in no argv, where all could see it.
# shellcheck disable=SC2016
enter_build='
  umask 027
  while IFS= read -r line; do [ -z "$line" ] || export "$line"; done <&3
  exec <"$1" 3<&-
  shift
  exec "$@"'

end_tree() { # returns when its last process is gone
  trap '' EXIT INT TERM
  exec {life}>&-
  kill "$leash" 2>/dev/null || :
  wait "$pid" || :
}

run() { # USER
  local ended='' status=0
  exec 3<&0 4>&1 </dev/null
  coproc TREE { exec "${tree[@]}" bash -c "$first" first "$time" "$soft" \
    nice -n "$nice" ionice -t -c 2 -n 7 prlimit "${limits[@]}" "${become[@]}" \
    env -i --default-signal "--chdir=$workspace/work" "PATH=$PATH" "HOME=$workspace/work" "TMPDIR=$workspace/tmp" \
    LANG=C.UTF-8 "USER=$1" "LOGNAME=$1" sh -c "$enter_build" run_as_user.sh "$stdin" "${command[@]}" \
    3<<<"$env" >&4 4>&-; }
  pid=$! life=${TREE[1]-0} leash='' # 0: it has ended already
  trap end_tree EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  setpriv --pdeathsig KILL cat <&3 3<&- >/dev/null 2>&1 4>&- &
  leash=$!
  wait -n -p ended "$leash" "$pid" || status=$?
  [[ $ended == "$leash" ]] || exit "$status"
  end_tree
  remove
  exit 129
}

case ${1-},$# in # a statement each: in an && list, set -e would not hold
  remove,2)
    read_rules
    check_workspace "$2"
    choose_tree
    remove
    ;;
  run,[!12] | run,??*)
    read_rules
    check_user "$2"
    check_workspace "$3"
    parse "${@:4}"
    enter "$workspace"
    prepare
    choose_tree
    run "$2"
    ;;
  *) misuse 'usage: run USER WORKSPACE [options] -- COMMAND [ARG...], or remove WORKSPACE' ;;
esac
