/** Starts Swagger UI on a page of `/docs`. The page names the OpenAPI document in the script's element. */

declare const SwaggerUIBundle: (options: object) => unknown;

const element = document.querySelector<HTMLScriptElement>("script[data-document]");

SwaggerUIBundle({
  url: element?.dataset.document,
  domNode: document.getElementById("console"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  // Otherwise each document would be sent to a validator on the internet.
  validatorUrl: null,
});
