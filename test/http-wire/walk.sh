#!/usr/bin/env bash
# Walks through Wire's "Creating and populating conversations" with its own curl commands, in order, against a running
# server, and checks each answer. Needs curl and jq, and in the environment:
#   WIRE_BACKEND              http://… of the server
#   WIRE_USER, WIRE_PASSWD    e-mail and password of a user
#   WIRE_TEAMID               UUID of the user's organization
#   WIRE_OTHER_1, …_2         UUIDs of two others in it
set -euo pipefail

seen=$(mktemp -d)
trap 'rm -r "$seen"' EXIT

# The document's commands stay as they are: their answers are kept on the side, for `answered`.
curl() {
  command curl --silent --show-error --dump-header "$seen/head" "$@" | tee "$seen/body"
}

# answered STATUS [JQ FILTER]: of the last command; an answer without a filter has to be empty.
answered() {
  local status
  status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$seen/head")
  if [ "$status" = "$1" ] && { [ $# -gt 1 ] && jq --exit-status "$2" "$seen/body" >/dev/null || [ ! -s "$seen/body" ]; }; then
    echo "ok: $step"
  else
    echo "$step: expected $1 with ${2:-nothing}, got $status with $(cat "$seen/body")" >&2
    exit 1
  fi
}

step="login"
export BEARER=$(curl -X POST \
  --header 'Content-Type: application/json' \
  --header 'Accept: application/json' \
  -d '{"email":"'"$WIRE_USER"'","password":"'"$WIRE_PASSWD"'"}' \
  $WIRE_BACKEND/login'?persist=false' | jq -r .access_token)
answered 200 '(.user | length == 36) and .token_type == "Bearer" and .expires_in == 900 and (.access_token | length > 20)'
grep -qi '^set-cookie: zuid=[^;]*; .*HttpOnly' "$seen/head"
WIRE_SELF=$(jq -r .user "$seen/body")

step="a quick test that you're logged in"
curl -X GET --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/self >"$seen/shown"
answered 200 '.id == "'"$WIRE_SELF"'" and .email == "'"$WIRE_USER"'" and .team == "'"$WIRE_TEAMID"'"'

step="create a conversation with no users"
export WIRE_CONV_NAME="The B-Team"
export WIRE_CONV='{
  "users": [],
  "name": "'${WIRE_CONV_NAME}'",
  "team": {
    "managed": false,
    "teamid": "'${WIRE_TEAMID}'"
  },
  "receipt_mode": 0,
  "message_timer": 0
}'
export CONV_ID=$(curl -X POST --header "Authorization: Bearer $BEARER" \
  -H "Content-Type: application/json" \
  -d "$WIRE_CONV" \
  $WIRE_BACKEND/conversations | jq -r .id)
answered 201 '.name == "The B-Team" and .team == "'"$WIRE_TEAMID"'" and .receipt_mode == 0 and .message_timer == 0
  and .type == 0 and .creator == "'"$WIRE_SELF"'" and .members.self.id == "'"$WIRE_SELF"'" and .members.others == []'
grep -qi "^location: $CONV_ID" "$seen/head"

step="add users"
curl -X POST --header "Authorization: Bearer $BEARER" \
  -H "Content-Type: application/json" \
  -d '{ "users": ["'"$WIRE_OTHER_1"'", "'"$WIRE_OTHER_2"'"] }' \
  $WIRE_BACKEND/conversations/$CONV_ID/members >"$seen/shown"
answered 200 '.type == "conversation.member-join" and .conversation == "'"$CONV_ID"'" and .from == "'"$WIRE_SELF"'"
  and .data.user_ids == ["'"$WIRE_OTHER_1"'", "'"$WIRE_OTHER_2"'"]'

step="remove a user"
curl -X DELETE --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/conversations/$CONV_ID/members/$WIRE_OTHER_1 >"$seen/shown"
answered 200 '.type == "conversation.member-leave" and .data.user_ids == ["'"$WIRE_OTHER_1"'"]'

step="remove a user who is not in it"
curl -X DELETE --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/conversations/$CONV_ID/members/$WIRE_OTHER_1 >"$seen/shown"
answered 204

step="list the ids of all conversations"
curl -X GET --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/conversations/ids >"$seen/shown"
answered 200 '.has_more == false and (.conversations | index("'"$CONV_ID"'") != null and . == sort)'

step="look at all conversations"
curl -X GET --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/conversations/ >"$seen/shown"
answered 200 '.has_more == false and ([.conversations[].id] | index("'"$CONV_ID"'") != null)'

step="look at one conversation"
curl -X GET --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/conversations/$CONV_ID/ >"$seen/shown"
answered 200 '.id == "'"$CONV_ID"'" and [.members.others[].id] == ["'"$WIRE_OTHER_2"'"]'

step="rename"
curl -X PUT --header "Authorization: Bearer $BEARER" \
  -H "Content-Type: application/json" \
  -d '{ "name": "The C-Team" }' \
  $WIRE_BACKEND/conversations/$CONV_ID >"$seen/shown"
answered 200 '.type == "conversation.rename" and .data == {name: "The C-Team"}'

step="delete"
curl -X DELETE --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/teams/$WIRE_TEAMID/conversations/$CONV_ID >"$seen/shown"
answered 200

step="look at what was deleted"
curl -X GET --header "Authorization: Bearer $BEARER" \
  $WIRE_BACKEND/conversations/$CONV_ID/ >"$seen/shown"
answered 404 '. == {code: 404, label: "no-conversation", message: "Conversation not found"}'
