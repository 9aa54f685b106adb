/** How users stand to people of Matrix, who have no account here. */

/** What decides whether somebody in Matrix may ask a user for a one-to-one room. */
export interface MatrixAsking {
  /** The user is there, and in no organization or in a room with that person. */
  found: boolean;
  /** The user blocks that person. */
  blocked: boolean;
  /** Requests that wait for an answer: of the user, and by that person. */
  waiting: number;
  asked: number;
}

export interface MatrixPeopleWrites {
  /** Hold the pair (`oneToOne`) before. */
  asking(userId: number, matrixId: string): Promise<MatrixAsking>;
  /** @returns false where that person is blocked already */
  block(userId: number, matrixId: string): Promise<boolean>;
  /** @returns false where that person is not blocked */
  unblock(userId: number, matrixId: string): Promise<boolean>;
  /** The ids of those whom the user blocks, the last one first; at most 1,000. */
  blocked(userId: number): Promise<string[]>;
}
