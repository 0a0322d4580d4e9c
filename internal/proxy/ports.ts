/** Who may come back to a response stored upstream (security rule 15). Only the binding is kept, never content. */
export interface ResponseOwners {
  /** Never blocks, never throws. */
  readonly remember: (responseId: string, owner: ResponseOwner) => void;
  readonly find: (responseId: string) => ResponseOwner | undefined;
}

export interface ResponseOwner {
  readonly principalId: string;
  readonly accountId: string;
}
