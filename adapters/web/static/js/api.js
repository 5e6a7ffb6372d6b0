// Asking the server. What goes wrong is a Problem with one sentence for the person.

const UNREACHABLE = "The bot cannot be reached just now. Nothing you wrote is lost; send it again in a moment.";

export class Problem extends Error {
  constructor(notice, status = 0) {
    super(notice);
    this.status = status;
  }
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);
export const remove = (path) => ask("DELETE", path);

async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Problem(UNREACHABLE);
  }
  return answer(response.status, await response.text());
}

/** Send one file; `progress` is told the part that has gone, 0 to 1. */
export function upload(file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name || "picture");
    request.open("POST", "/api/uploads");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new Problem(UNREACHABLE));
    request.onload = () => {
      try {
        resolve(answer(request.status, request.responseText));
      } catch (problem) {
        reject(problem);
      }
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function answer(status, text) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    if (status < 400) throw new Problem(UNREACHABLE, status);
  }
  if (status >= 400) throw new Problem(body.notice || UNREACHABLE, status);
  return body;
}
