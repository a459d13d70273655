/** How old what is answered may be. */
const longestMs = 1000
/** So long after they last asked, a person is still listened to. */
const followedMs = 30_000
/** So many people are listened to at once; for more of them it is read each time. */
const mostFollowed = 5000

interface Followed<T> {
  /** What was read last, unless something has happened since or it has grown old. */
  snapshot: { value: Promise<T>; at: number } | null
  lastAskedAt: number
}

export interface Snapshots<T> {
  /** What `read` answers for the person, or has answered within the last second while nothing happened to them. `fresh`: read now in any case. */
  get(userId: string, read: () => Promise<T>, options: { fresh: boolean }): Promise<T>
}

/**
 * Keeps what was read of each person for a moment, for them alone; those who ask at once share one reading.
 *
 * @param follow calls back whenever something happens to the person, or may have; returns what ends that.
 */
export function createSnapshots<T>(follow: (userId: string, onChange: () => void) => () => void): Snapshots<T> {
  const people = new Map<string, Followed<T>>()

  function followed(userId: string): Followed<T> | null {
    const known = people.get(userId)
    if (known) return known
    if (people.size >= mostFollowed) return null
    const person: Followed<T> = { snapshot: null, lastAskedAt: 0 }
    people.set(userId, person)
    const unfollow = follow(userId, () => (person.snapshot = null))
    const forget = () => {
      const left = person.lastAskedAt + followedMs - performance.now()
      if (left > 0) return void setTimeout(forget, left).unref()
      people.delete(userId)
      unfollow()
    }
    setTimeout(forget, followedMs).unref()
    return person
  }

  return {
    get(userId, read, { fresh }) {
      const person = followed(userId)
      if (person === null) return read()
      const now = performance.now()
      person.lastAskedAt = now
      if (!fresh && person.snapshot !== null && now - person.snapshot.at < longestMs) return person.snapshot.value
      const snapshot = { value: read(), at: now }
      person.snapshot = snapshot
      snapshot.value.catch(() => {
        if (person.snapshot === snapshot) person.snapshot = null
      })
      return snapshot.value
    },
  }
}
