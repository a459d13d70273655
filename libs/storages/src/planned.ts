/** A storage that people can vote for, under the id that its adapter will have. */
export interface PlannedStorage {
  readonly id: string
  readonly title: string
}

/** Storages that are planned; one that has its adapter is not offered any more, whether it is still named here or not. */
export const plannedStorages: readonly PlannedStorage[] = [
  { id: 'onedrive', title: 'OneDrive' },
  { id: 'box', title: 'Box' },
]
