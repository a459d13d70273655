# Reads `watch <pid> <signal>`, `forget <pid> -` and `release - -` from the launcher. When its end of the pipe closes without a
# `release`, the launcher was killed: ends what is still watched, the last watched first, each with its process group.
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

running() { kill -0 "$1" 2>/dev/null; }

for entry in $watched; do
  case $entry in *:TERM) kill -s TERM -- "-${entry%%:*}" 2>/dev/null || kill -s TERM "${entry%%:*}" 2>/dev/null ;; esac
done
for entry in $watched; do
  tries=0
  while running "${entry%%:*}" && [ "$tries" -lt 50 ]; do
    case $entry in *:INT) [ "$tries" -gt 0 ] || kill -s INT "${entry%%:*}" 2>/dev/null ;; esac
    sleep 0.1
    tries=$((tries + 1))
  done
  running "${entry%%:*}" && kill -s KILL "${entry%%:*}" 2>/dev/null
done
exit 0
