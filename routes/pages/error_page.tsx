/** A page for what could not be shown. */
import { Layout } from "./layout.tsx";

export interface ErrorPageProps {
  title: string;
  detail: string;
  now: number;
}

export function ErrorPage({ title, detail, now }: ErrorPageProps) {
  return (
    <Layout title={title} now={now} indexed={false}>
      <div class="failure" data-tone="over">
        <div class="stage" aria-hidden="true"></div>
        <h1>{title}</h1>
        <p>{detail}</p>
        <p>
          <a class="quiet" href="/">See what’s on</a>
        </p>
      </div>
    </Layout>
  );
}
