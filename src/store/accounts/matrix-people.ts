/** How users stand to people of Matrix, inside a transaction. */
import { userKey } from "../../domain/model.ts";
import type { MatrixAsking, MatrixPeopleWrites } from "../../domain/ports/store/accounts/matrix-people.ts";
import type { TransactionScope } from "../sql/scope.ts";

const MAX_BLOCKED = 1_000;

export function createMatrixPeopleWrites({ sql }: TransactionScope): MatrixPeopleWrites {
  return {
    async asking(userId, matrixId) {
      const [member, person] = [userKey(userId), `m:${matrixId}`];
      const [row] = await sql<[MatrixAsking]>`
        select exists (
          select from users u where u.id = ${userId} and u.deleted_at is null and (
            not exists (select from organization_users o where o.user_id = u.id)
            or exists (
              select from memberships mine join memberships theirs using (conversation_id)
              where mine.member = ${member} and theirs.member = ${person}))) as found,
          exists (select from matrix_blocks b where b.user_id = ${userId} and b.matrix_id = ${matrixId}) as blocked,
          (select count(*) from memberships m join conversations c on c.id = m.conversation_id
           where m.member = ${member} and c.request)::integer as waiting,
          (select count(*) from conversations c where c.created_by = ${person} and c.request)::integer as asked`;
      return row;
    },
    async block(userId, matrixId) {
      const { count } = await sql`
        insert into matrix_blocks (user_id, matrix_id) values (${userId}, ${matrixId}) on conflict do nothing`;
      return count > 0;
    },
    async unblock(userId, matrixId) {
      const { count } = await sql`
        delete from matrix_blocks where user_id = ${userId} and matrix_id = ${matrixId}`;
      return count > 0;
    },
    async blocked(userId) {
      const rows = await sql<{ id: string }[]>`
        select matrix_id as id from matrix_blocks where user_id = ${userId}
        order by at desc, matrix_id limit ${MAX_BLOCKED}`;
      return rows.map(({ id }) => id);
    },
  };
}
