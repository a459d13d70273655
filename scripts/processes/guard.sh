# Reads `watch <pid> <signal>`, `forget <pid> -` and `release - -` from the launcher. When its end of the pipe closes without a
# `release`, the launcher was killed: ends what is still watched, those for TERM first, then those for INT (Postgres, Redis), each
# with its process group, and kills what is still there after five seconds.
trap '' INT TERM HUP
watched=''
while read -r action pid signal; do
  case $action in
    watch) watched="$pid:$signal $watched" ;;
    forget)
      rest=''
      for entry in $watched; do [ "${entry%%:*}" = "$pid" ] || rest="$rest$entry "; done
      watched=$rest
      ;;
    release) exit 0 ;;
  esac
done

# A zombie that nobody reaps has ended too.
running() {
  kill -0 "$1" 2>/dev/null || return 1
  [ -r "/proc/$1/stat" ] || return 0
  read -r stat <"/proc/$1/stat" 2>/dev/null || return 1
  case ${stat##*) } in Z*) return 1 ;; esac
}

for signal in TERM INT; do
  waiting=''
  for entry in $watched; do
    pid=${entry%%:*}
    [ "${entry##*:}" = "$signal" ] || continue
    running "$pid" || continue
    kill -s "$signal" -- "-$pid" 2>/dev/null || kill -s "$signal" "$pid" 2>/dev/null
    waiting="$waiting $pid"
  done
  tries=0
  while [ -n "$waiting" ] && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
    rest=''
    for pid in $waiting; do ! running "$pid" || rest="$rest $pid"; done
    waiting=$rest
  done
  for pid in $waiting; do kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid" 2>/dev/null; done
done
exit 0
